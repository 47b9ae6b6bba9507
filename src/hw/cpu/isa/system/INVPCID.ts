/** INVPCID: invalidate process-context identifier. SDM Vol. 2A, "INVPCID—Invalidate Process-Context Identifier". */

import { isCanonical } from "../../addressing.ts";
import { GP0 } from "../../fault.ts";
import { is64Bit, isVirtual8086 } from "../../mode.ts";
import { isFault } from "../../mmu.ts";
import { BIT } from "../../state.ts";
import { privilegedInstruction } from "../../system.ts";

const PCID = 0xfffn;
const [PAGE, ONE_PCID, ALL, ALL_BUT_GLOBAL] = [0n, 1n, 2n, 3n];

export const INVPCID = privilegedInstruction(
  "INVPCID",
  {
    feature: "INVPCID",
    forms: [
      ["66 0F 38 82 /r", "r32, m128", { sizes: [null], modes: "NE/V" }],
      ["66 0F 38 82 /r", "r64, m128", { sizes: [null], modes: "V/NE" }],
    ],
  },
  (context) => {
    const { state, memory } = context;
    if (isVirtual8086(state)) return GP0;
    const intercepted = context.intercepted("INVPCID");
    if (intercepted !== null) return intercepted;
    const type = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(context.register(0)));
    const at = context.offset(1);
    const bytes = context.loadBytes("effective", at, 16);
    if (isFault(bytes)) return bytes;
    const view = new DataView(bytes.buffer);
    const [first, linear] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
    const pcid = first & PCID;
    if (type > ALL_BUT_GLOBAL || first > PCID) return GP0;
    const hasPcids = state.has("CR4", BIT.CR4.PCIDE);
    if (type <= ONE_PCID && !hasPcids && pcid !== 0n) return GP0;
    if (type === PAGE && !isCanonical(linear)) return GP0;
    if (type === PAGE) memory.invalidatePageOf(Number(pcid), linear);
    else if (type === ONE_PCID) memory.invalidatePcid(Number(pcid));
    else memory.invalidateAll(type !== ALL);
    return null;
  },
);
