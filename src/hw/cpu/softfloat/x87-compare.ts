/**
 * FCOM, FUCOM, FICOM, FTST, FCOMI, FUCOMI and FXAM. SDM Vol. 2, the entries of those names; SDM
 * Vol. 1, "Comparison and Classification Instructions". All clear C1 but FXAM, which puts the sign
 * there.
 */

import { type Relation, relation } from "./compare.ts";
import { IE, type Outcome, outcome, x87Register } from "./environment.ts";
import { F80, Kind, type Operand } from "./formats.ts";
import { denormalFlag } from "./nan.ts";
import { COMPARISON_RFLAGS } from "./sse-compare.ts";

/** Condition codes at their places in the status word. */
export const C0 = 0x0100;
export const C1 = 0x0200;
export const C2 = 0x0400;
export const C3 = 0x4000;

const CONDITION: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: C0,
  equal: C3,
  unordered: C3 | C2 | C0,
};

function comparison<V>(
  x: Operand,
  y: Operand,
  quietIsInvalid: boolean,
  table: Readonly<Record<Relation, V>>,
  controlWord: number,
): Outcome<V> {
  const environment = x87Register(controlWord);
  const threshold = quietIsInvalid ? Kind.quiet : Kind.signaling;
  const isInvalid = x.kind >= threshold || y.kind >= threshold;
  const ordered = x.kind < Kind.quiet && y.kind < Kind.quiet;
  const flags = isInvalid ? IE : ordered ? denormalFlag(x, y) : 0;
  return outcome(table[relation(x, y)], flags, false, environment);
}

/** FCOM, FCOMP, FCOMPP, FICOM and, with y zero, FTST: the value is C3, C2 and C0. */
export function fcom(x: Operand, y: Operand, controlWord: number): Outcome<number> {
  return comparison(x, y, true, CONDITION, controlWord);
}

/** FUCOM, FUCOMP, FUCOMPP: a quiet NaN is no invalid operation. */
export function fucom(x: Operand, y: Operand, controlWord: number): Outcome<number> {
  return comparison(x, y, false, CONDITION, controlWord);
}

/** FCOMI, FCOMIP: the value is ZF, PF and CF at their places in RFLAGS. */
export function fcomi(x: Operand, y: Operand, controlWord: number): Outcome<number> {
  return comparison(x, y, true, COMPARISON_RFLAGS, controlWord);
}

/** FUCOMI, FUCOMIP. */
export function fucomi(x: Operand, y: Operand, controlWord: number): Outcome<number> {
  return comparison(x, y, false, COMPARISON_RFLAGS, controlWord);
}

const CLASS: readonly number[] = [
  C3, // zero
  C2, // normal
  C3 | C2, // denormal
  C2 | C0, // infinity
  C0, // quiet NaN
  C0, // signaling NaN
  0, // unsupported
];

/** FXAM: C3, C2, C0 tell the class, C1 the sign, also that of what an empty register still holds. */
export function fxam(value: F80, isEmpty = false): number {
  const x = F80.unpack(value);
  const found = isEmpty ? C3 | C0 : (CLASS[x.kind] ?? 0);
  return found | (x.sign === 1 ? C1 : 0);
}
