/** LGDT, LIDT: load a descriptor table register. SDM Vol. 2A, "LGDT/LIDT—Load Global/Interrupt Descriptor Table Register". */

import { isCanonical } from "../../addressing.ts";
import type { AssistFunction } from "../../assist.ts";
import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { is64Bit } from "../../mode.ts";
import { privilegedInstruction } from "../../system.ts";

const LOW_24 = 0xff_ffffn;

/** With an operand size of 16 bits the base has 24. */
const load =
  (name: "GDTR" | "IDTR"): AssistFunction =>
  (context) => {
    const { state, decoded } = context;
    const intercepted = context.intercepted(name === "GDTR" ? "LGDT" : "LIDT");
    if (intercepted !== null) return intercepted;
    const wide = is64Bit(state);
    const bytes = context.loadBytes("effective", context.offset(0), wide ? 10 : 6);
    if ("vector" in bytes) return bytes;
    const view = new DataView(bytes.buffer);
    let base = BigInt(view.getUint32(2, true));
    if (wide) base |= BigInt(view.getUint32(6, true)) << 32n;
    else if (decoded.operandSize === 16) base &= LOW_24;
    if (!isCanonical(base)) return GP0;
    state.setTable(name, { base, limit: view.getUint16(0, true) });
    return null;
  };

const table = (name: string, digit: number, of: "GDTR" | "IDTR"): Instruction =>
  privilegedInstruction(
    name,
    {
      forms: [
        [`0F 01 /${digit}`, "m16&32", { modes: "NE/V" }],
        [`0F 01 /${digit}`, "m16&64", { modes: "V/NE" }],
      ],
    },
    load(of),
  );

export const LGDT: readonly Instruction[] = [table("LGDT", 2, "GDTR"), table("LIDT", 3, "IDTR")];
