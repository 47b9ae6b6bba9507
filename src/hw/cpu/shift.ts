/** What shifts and rotates share: the rows of their tables and the count (SDM Vol. 2B, "SAL/SAR/SHL/SHR—Shift"). */

import type { FormRow } from "./forms.ts";
import type { Operand, Semantics } from "./semantics.ts";
import type { OperandWidth, Value } from "./uop.ts";

/** The rows of a shift or rotate by its digit: by 1, by CL, by an immediate. */
export function shiftRows(digit: number): readonly FormRow[] {
  const rows = (byte: string, wide: string, count: string): FormRow[] => [
    [byte, `r/m8, ${count}`],
    [wide, `r/m16, ${count}`],
    [wide, `r/m32, ${count}`],
    [`REX.W + ${wide}`, `r/m64, ${count}`],
  ];
  return [
    ...rows(`D0 /${digit}`, `D1 /${digit}`, "1"),
    ...rows(`D2 /${digit}`, `D3 /${digit}`, "CL"),
    ...rows(`C0 /${digit} ib`, `C1 /${digit} ib`, "imm8"),
  ];
}

/** The count modulo 32, or 64 for an operand of 64 bits, in the operand's width. */
export function countOf(u: Semantics, count: Operand, width: OperandWidth): Value {
  const masked = u.and(u.read(count), u.const(8, width === 64 ? 63 : 31));
  return u.zeroExtend(masked, width);
}

/** The count less 1, for what is shifted out last; any count for 0. */
export function beforeLast(u: Semantics, count: Value): Value {
  return u.and(u.sub(count, u.const(count.width, 1)), u.const(count.width, 63));
}
