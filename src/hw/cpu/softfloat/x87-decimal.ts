/**
 * FBLD and FBSTP: the 80-bit packed BCD integer, 18 digits and a sign. SDM Vol. 1, "BCD and Packed
 * BCD Integers"; SDM Vol. 2, "FBLD", "FBSTP". A packed decimal is an unsigned 80-bit bigint: digits
 * in bits 0-71, sign in bit 79, bits 72-78 ignored.
 */

import { IE, type Outcome, outcome, PE, x87Memory } from "./environment.ts";
import { F80, fromMagnitude, Kind, packExact, type Sign } from "./formats.ts";
import { cutToInteger } from "./round.ts";

const DIGITS = 18;
const LIMIT = 10n ** BigInt(DIGITS);

/** Packed BCD integer indefinite. */
export const DECIMAL_INDEFINITE = 0xffff_c000_0000_0000_0000n;

/**
 * FBLD: exact, raises nothing. The manual leaves digits A to F undefined; here each digit counts as
 * its value.
 */
export function fbld(decimal: bigint): F80 {
  let magnitude = 0n;
  for (let digit = DIGITS - 1; digit >= 0; digit -= 1) {
    magnitude = magnitude * 10n + BigInt.asUintN(4, decimal >> BigInt(4 * digit));
  }
  return packExact(F80, fromMagnitude(Number((decimal >> 79n) & 1n) as Sign, magnitude));
}

/** FBSTP: rounded by rounding control; more than 18 digits, infinity and NaN are invalid. */
export function fbstp(value: F80, controlWord: number): Outcome<bigint> {
  const environment = x87Memory(controlWord);
  const x = F80.unpack(value);
  if (x.kind >= Kind.infinity || x.exponent >= 64) {
    return outcome(DECIMAL_INDEFINITE, IE, false, environment);
  }
  const { kept, inexact, up } = cutToInteger(x, environment.rounding);
  if (kept >= LIMIT) return outcome(DECIMAL_INDEFINITE, IE, false, environment);
  let decimal = BigInt(x.sign) << 79n;
  let rest = kept;
  for (let digit = 0; digit < DIGITS; digit += 1) {
    decimal |= (rest % 10n) << BigInt(4 * digit);
    rest /= 10n;
  }
  return outcome(decimal, inexact ? PE : 0, up, environment);
}
