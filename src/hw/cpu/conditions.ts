/** The sixteen conditions of Jcc, SETcc and CMOVcc, by the low four bits of the opcode: SDM Vol. 1, "EFLAGS Condition Codes". */

import type { Semantics } from "./semantics.ts";
import type { Value } from "./uop.ts";

/** In the order of their codes. */
export const CONDITIONS = [
  "O",
  "NO",
  "B",
  "NB",
  "Z",
  "NZ",
  "BE",
  "NBE",
  "S",
  "NS",
  "P",
  "NP",
  "L",
  "NL",
  "LE",
  "NLE",
] as const;
export type Condition = (typeof CONDITIONS)[number];

const POSITIVE: Readonly<Record<string, (u: Semantics) => Value>> = {
  O: (u) => u.flag("OF"),
  B: (u) => u.flag("CF"),
  Z: (u) => u.flag("ZF"),
  BE: (u) => u.or(u.flag("CF"), u.flag("ZF")),
  S: (u) => u.flag("SF"),
  P: (u) => u.flag("PF"),
  L: (u) => u.xor(u.flag("SF"), u.flag("OF")),
  LE: (u) => u.or(u.flag("ZF"), u.xor(u.flag("SF"), u.flag("OF"))),
};

/** Whether a condition holds, as one bit. */
export function condition(u: Semantics, name: Condition): Value {
  const code = CONDITIONS.indexOf(name);
  const positive = CONDITIONS[code & ~1] as Condition;
  const value = (POSITIVE[positive] as (u: Semantics) => Value)(u);
  return (code & 1) === 0 ? value : u.not(value);
}
