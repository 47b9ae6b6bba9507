/**
 * Order of two operands. IEEE 754-2008, "Details of comparison predicates". What a unit does with
 * an unordered result stands in sse-compare.ts and x87-compare.ts.
 */

import { Kind, type Operand } from "./formats.ts";

export type Relation = "less" | "equal" | "greater" | "unordered";

export function relation(x: Operand, y: Operand): Relation {
  if (x.kind >= Kind.quiet || y.kind >= Kind.quiet) return "unordered";
  const xZero = x.kind === Kind.zero;
  const yZero = y.kind === Kind.zero;
  if (xZero && yZero) return "equal";
  if (xZero) return y.sign === 1 ? "greater" : "less";
  if (yZero) return x.sign === 1 ? "less" : "greater";
  if (x.sign !== y.sign) return x.sign === 1 ? "less" : "greater";
  const magnitude = compareMagnitude(x, y);
  if (magnitude === 0) return "equal";
  return magnitude < 0 === (x.sign === 0) ? "less" : "greater";
}

/** Negative, zero or positive; neither operand zero or NaN. */
function compareMagnitude(x: Operand, y: Operand): number {
  const xInfinite = x.kind === Kind.infinity;
  const yInfinite = y.kind === Kind.infinity;
  if (xInfinite || yInfinite) return Number(xInfinite) - Number(yInfinite);
  if (x.exponent !== y.exponent) return x.exponent - y.exponent;
  if (x.significand === y.significand) return 0;
  return x.significand < y.significand ? -1 : 1;
}
