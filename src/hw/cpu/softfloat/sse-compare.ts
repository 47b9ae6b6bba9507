/**
 * CMPPS/PD/SS/SD and their VEX forms, COMISS/COMISD, UCOMISS/UCOMISD. SDM Vol. 2, "CMPPD—Compare
 * Packed Double Precision Floating-Point Values" (table "Comparison Predicate for CMPPD and VCMPPD
 * Instructions"), "COMISD", "UCOMISD".
 */

import { type Relation, relation } from "./compare.ts";
import { type Environment, IE, type Outcome, outcome, sse } from "./environment.ts";
import { type FloatFormat, Kind, type Operand } from "./formats.ts";
import { denormalFlag } from "./nan.ts";
import { source } from "./sse-arithmetic.ts";

interface Predicate {
  readonly holdsFor: readonly Relation[];
  /** A quiet NaN operand is an invalid operation. */
  readonly signals: boolean;
}

function predicate(signals: boolean, ...holdsFor: Relation[]): Predicate {
  return { holdsFor, signals };
}

/** The first 16 predicates; 16 to 31 are the same with `signals` turned round. */
const PREDICATES: readonly Predicate[] = [
  predicate(false, "equal"), // EQ_OQ
  predicate(true, "less"), // LT_OS
  predicate(true, "less", "equal"), // LE_OS
  predicate(false, "unordered"), // UNORD_Q
  predicate(false, "less", "greater", "unordered"), // NEQ_UQ
  predicate(true, "equal", "greater", "unordered"), // NLT_US
  predicate(true, "greater", "unordered"), // NLE_US
  predicate(false, "less", "equal", "greater"), // ORD_Q
  predicate(false, "equal", "unordered"), // EQ_UQ
  predicate(true, "less", "unordered"), // NGE_US
  predicate(true, "less", "equal", "unordered"), // NGT_US
  predicate(false), // FALSE_OQ
  predicate(false, "less", "greater"), // NEQ_OQ
  predicate(true, "equal", "greater"), // GE_OS
  predicate(true, "greater"), // GT_OS
  predicate(false, "less", "equal", "greater", "unordered"), // TRUE_UQ
];

/** Flags of a comparison; `signals`: also a quiet NaN is invalid. */
function comparisonFlags(x: Operand, y: Operand, signals: boolean): number {
  if (x.kind === Kind.signaling || y.kind === Kind.signaling) return IE;
  if (x.kind === Kind.quiet || y.kind === Kind.quiet) return signals ? IE : 0;
  return denormalFlag(x, y);
}

/** CMPcc: `code` is the immediate, of which SSE forms have 3 bits and VEX forms 5. */
export function compare<V>(
  format: FloatFormat<V>,
  a: V,
  b: V,
  code: number,
  mxcsr: number,
): Outcome<boolean> {
  const environment = sse(mxcsr);
  const x = source(format, a, environment);
  const y = source(format, b, environment);
  const { holdsFor, signals } = PREDICATES[code & 15] ?? predicate(false);
  const flags = comparisonFlags(x, y, signals !== ((code & 16) !== 0));
  return outcome(holdsFor.includes(relation(x, y)), flags, false, environment);
}

/** ZF, PF, CF at their places in RFLAGS. OF, SF and AF are cleared by the instruction. */
export const COMPARISON_RFLAGS: Readonly<Record<Relation, number>> = {
  unordered: 0x45,
  greater: 0x00,
  less: 0x01,
  equal: 0x40,
};

function compareScalar<V>(
  format: FloatFormat<V>,
  a: V,
  b: V,
  signals: boolean,
  environment: Environment,
): Outcome<number> {
  const x = source(format, a, environment);
  const y = source(format, b, environment);
  const flags = comparisonFlags(x, y, signals);
  return outcome(COMPARISON_RFLAGS[relation(x, y)], flags, false, environment);
}

/** COMISS, COMISD: the value is ZF, PF and CF. */
export function comis<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<number> {
  return compareScalar(format, a, b, true, sse(mxcsr));
}

/** UCOMISS, UCOMISD: the same, but only a signaling NaN is invalid. */
export function ucomis<V>(format: FloatFormat<V>, a: V, b: V, mxcsr: number): Outcome<number> {
  return compareScalar(format, a, b, false, sse(mxcsr));
}
