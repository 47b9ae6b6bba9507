/** ARPL: adjust the RPL field of a segment selector. SDM Vol. 2A, "ARPL—Adjust RPL Field of Segment Selector". */

import { rplOf } from "../../descriptors.ts";
import { isFault } from "../../mmu.ts";
import { isRealAddressing } from "../../mode.ts";
import { setFlags, systemInstruction, UD } from "../../system.ts";

const ZF = 0x40n;

export const ARPL = systemInstruction(
  "ARPL",
  { forms: [["63 /r", "r/m16, r16", { sizes: [16, 32], modes: "NE/V" }]] },
  (context) => {
    const { state } = context;
    if (isRealAddressing(state)) return UD;
    const inMemory = context.operand(0).is === "memory";
    const before = inMemory
      ? context.load("effective", context.offset(0), 2, "modify")
      : context.readOperand(0, 16);
    if (isFault(before)) return before;
    const level = rplOf(Number(state.gpr(context.register(1)) & 3n));
    const raises = rplOf(Number(before)) < level;
    if (raises) {
      const fault = context.writeOperand(0, 16, (before & ~3n) | BigInt(level));
      if (fault !== null) return fault;
    }
    setFlags(state, ZF, raises ? ZF : 0n);
    return null;
  },
);
