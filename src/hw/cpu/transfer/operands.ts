/** Far pointers as operands: SDM Vol. 2A, "CALL—Call Procedure" (ptr16:16, m16:32 and their like). */

import type { AssistContext } from "../assist.ts";
import type { Fault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import type { FarPointer } from "./far.ts";

/** A pointer in the instruction, or in memory at operand `index`: the offset, of the operand size, and the selector. */
export function farPointer(context: AssistContext, index: number): FarPointer | Fault {
  const { operandSize, operands } = context.decoded;
  const operand = operands[index];
  if (operand?.is === "immediate") {
    const selector = Number(operand.value >> BigInt(operandSize));
    return { selector, offset: BigInt.asUintN(operandSize, operand.value) };
  }
  const at = context.offset(index);
  const offset = context.load("effective", at, operandSize / 8);
  if (isFault(offset)) return offset;
  const next = BigInt.asUintN(context.decoded.addressSize, at + BigInt(operandSize / 8));
  const selector = context.load("effective", next, 2);
  return isFault(selector) ? selector : { selector: Number(selector), offset };
}
