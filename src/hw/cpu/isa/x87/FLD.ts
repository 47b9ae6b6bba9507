/** FLD: pushes a number. SDM Vol. 2A, "FLD—Load Floating-Point Value". */

import { isFault } from "../../mmu.ts";
import { F32, F64, x87 } from "../../softfloat/index.ts";
import { fromBytes, INDEFINITE } from "../../x87/execution.ts";
import { x87Instruction, type X87Operation } from "../../x87/instruction.ts";
import { exactly, pushing } from "../../x87/patterns.ts";

const fromMemory = pushing((x) => {
  const size = x.memoryText === "m80fp" ? 10 : x.memoryText === "m64fp" ? 8 : 4;
  const bytes = x.load(size);
  if (isFault(bytes)) return bytes;
  const value = fromBytes(bytes);
  if (size === 4) return x87.fld(F32, Number(value), x.unit.control);
  if (size === 8) return x87.fld(F64, value, x.unit.control);
  // Copied as it is: nothing is raised.
  return exactly({
    significand: BigInt.asUintN(64, value),
    signExponent: Number(value >> 64n),
  });
});

const fromStack: X87Operation = (x) => {
  const { unit } = x;
  const index = x.stackIndex(0);
  if (unit.isEmpty(index)) return x.stackFault("underflow", () => unit.push(INDEFINITE));
  return pushing(() => exactly(unit.st(index)))(x);
};

export const FLD = x87Instruction("FLD", {
  forms: [
    ["D9 /0", "m32fp"],
    ["DD /0", "m64fp"],
    ["DB /5", "m80fp"],
    ["D9 C0+i", "ST(i)"],
  ],
  operation: (x) => (x.isInMemory ? fromMemory(x) : fromStack(x)),
});
