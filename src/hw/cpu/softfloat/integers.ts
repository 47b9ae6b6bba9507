/**
 * Floating point to signed integer, shared by FIST, FISTTP and the CVT family. SDM Vol. 1,
 * "Indefinites" (integer indefinite: the most negative number), "Invalid Operation Exception (#I)".
 */

import { powerOfTwo } from "./bits.ts";
import { type Environment, IE, type Outcome, outcome, PE, type Rounding } from "./environment.ts";
import { Kind, type Operand } from "./formats.ts";
import { cutToInteger } from "./round.ts";

export type IntegerWidth = 16 | 32 | 64;

/** The value is signed. NaN, infinity, unsupported and out of range give integer indefinite. */
export function toInteger(
  x: Operand,
  width: IntegerWidth,
  rounding: Rounding,
  environment: Environment,
): Outcome<bigint> {
  const limit = powerOfTwo(width - 1);
  if (x.kind >= Kind.infinity || x.exponent >= width) {
    return outcome(-limit, IE, false, environment);
  }
  const { kept, inexact, up } = cutToInteger(x, rounding);
  const value = x.sign === 1 ? -kept : kept;
  if (value >= limit || value < -limit) return outcome(-limit, IE, false, environment);
  return outcome(value, inexact ? PE : 0, up, environment);
}
