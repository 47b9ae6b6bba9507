/**
 * Correct rounding of a value that is never exactly representable: it is enclosed between two
 * integers ever more closely, until both ends round alike. IEEE 754-2008, "Recommended correctly
 * rounded functions". Deviation: real processors round transcendental results to within one unit in
 * the last place (SDM Vol. 1, "Transcendental Instruction Accuracy"), and differ among themselves.
 */

import { bitLength } from "./bits.ts";

/** low * 2**exponent < value < high * 2**exponent; the value is positive. */
export interface Enclosure {
  readonly low: bigint;
  readonly high: bigint;
  readonly exponent: number;
}

/** Encloses a value with a width of about 2**-bits of its size. */
export type Enclose = (bits: number) => Enclosure;

const FIRST_BITS = 104;
/** Precision, rounding bit and one more, below which a set bit stands for all the rest. */
const SETTLED_BITS = 66;

/** The value as a magnitude for rounding, its last bit set in place of endless others. */
export function settle(enclose: Enclose): { magnitude: bigint; exponent: number } {
  for (let bits = FIRST_BITS; ; bits *= 2) {
    const { low, high, exponent } = enclose(bits);
    const drop = bitLength(low > 0n ? low : 0n) - SETTLED_BITS;
    if (drop <= 0) continue;
    const leading = low >> BigInt(drop);
    if (leading !== (high - 1n) >> BigInt(drop)) continue;
    return { magnitude: (leading << 1n) | 1n, exponent: exponent + drop - 1 };
  }
}

/** A fixed-point result, known to within `error` units. */
export function around(center: bigint, error: bigint, fraction: number): Enclosure {
  return { low: center - error, high: center + error, exponent: -fraction };
}
