/** VERR, VERW: verify a segment for reading or writing; ZF says whether it may be. SDM Vol. 2D, "VERR/VERW—Verify a Segment for Reading or Writing". */

import { type Descriptor, isReadable, isSystem, isWritableData } from "../../descriptors.ts";
import type { Instruction } from "../../instruction.ts";
import { isFault } from "../../mmu.ts";
import { isRealAddressing } from "../../mode.ts";
import { setFlags, systemInstruction, UD } from "../../system.ts";
import { visibleDescriptor } from "../../system-segments.ts";

const ZF = 0x40n;

const verify = (
  name: string,
  digit: number,
  may: (descriptor: Descriptor) => boolean,
): Instruction =>
  systemInstruction(
    name,
    { forms: [[`0F 00 /${digit}`, "r/m16", { sizes: [null] }]] },
    (context) => {
      if (isRealAddressing(context.state)) return UD;
      const operand = context.readOperand(0, 16);
      if (isFault(operand)) return operand;
      const found = visibleDescriptor(context, Number(operand));
      if (isFault(found)) return found;
      const allowed = found !== null && !isSystem(found) && may(found);
      setFlags(context.state, ZF, allowed ? ZF : 0n);
      return null;
    },
  );

export const VERR: readonly Instruction[] = [
  verify("VERR", 4, isReadable),
  verify("VERW", 5, isWritableData),
];
