/** SGDT, SIDT: store a descriptor table register. SDM Vol. 2B, "SGDT—Store Global Descriptor Table Register", "SIDT—Store Interrupt Descriptor Table Register". */

import type { AssistFunction } from "../../assist.ts";
import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { is64Bit } from "../../mode.ts";
import { BIT, type CpuState } from "../../state.ts";
import { systemInstruction } from "../../system.ts";

/** CR4.UMIP keeps SGDT, SIDT, SLDT, SMSW and STR for CPL 0 (SDM Vol. 3, "CR4.UMIP"). */
export const mayStoreTables = (state: CpuState): boolean =>
  state.cpl === 0 || !state.has("CR4", BIT.CR4.UMIP);

/** The limit, and all of the base: 4 bytes, or 8 in 64-bit mode, whatever the operand size. */
const store =
  (name: "GDTR" | "IDTR"): AssistFunction =>
  (context) => {
    const { state } = context;
    if (!mayStoreTables(state)) return GP0;
    const intercepted = context.intercepted(name === "GDTR" ? "SGDT" : "SIDT");
    if (intercepted !== null) return intercepted;
    const { base, limit } = state.table(name);
    const bytes = new Uint8Array(is64Bit(state) ? 10 : 6);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, limit, true);
    view.setUint32(2, Number(BigInt.asUintN(32, base)), true);
    if (bytes.length === 10) view.setUint32(6, Number(base >> 32n), true);
    return context.storeBytes("effective", context.offset(0), bytes);
  };

const table = (name: string, digit: number, of: "GDTR" | "IDTR"): Instruction =>
  systemInstruction(
    name,
    {
      forms: [
        [`0F 01 /${digit}`, "m16&32", { modes: "NE/V" }],
        [`0F 01 /${digit}`, "m16&64", { modes: "V/NE" }],
      ],
    },
    store(of),
  );

export const SGDT: readonly Instruction[] = [table("SGDT", 0, "GDTR"), table("SIDT", 1, "IDTR")];
