/**
 * Bit-level helpers on unsigned BigInt significands. Pure integer functions, no floating-point
 * format is known here.
 */

/** Powers of two up to the widths that arithmetic on 64-bit significands needs. */
const POWERS: readonly bigint[] = Array.from({ length: 192 }, (_, n) => 1n << BigInt(n));

/** 2**n, for n >= 0. */
export function powerOfTwo(n: number): bigint {
  return POWERS[n] ?? 1n << BigInt(n);
}

/** Number of significant bits of a non-negative value; 0 for 0. */
export function bitLength(value: bigint): number {
  let rest = value;
  let length = 0;
  while (rest > 0xffff_ffff_ffff_ffffn) {
    rest >>= 64n;
    length += 64;
  }
  const high = Number(rest >> 32n);
  if (high !== 0) return length + 64 - Math.clz32(high);
  return length + 32 - Math.clz32(Number(rest));
}

/** Largest integer whose square is <= value; value >= 0. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  // The host's square root is exact to 53 bits (IEEE 754 requires it), so Newton starts close.
  const excess = Math.max(0, bitLength(value) - 1000) & ~1;
  let root =
    BigInt(Math.floor(Math.sqrt(Number(value >> BigInt(excess)))) + 1) << BigInt(excess / 2);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) break;
    root = next;
  }
  // Newton may stop one step away when the first guess was below the root.
  while (root * root > value) root -= 1n;
  while ((root + 1n) * (root + 1n) <= value) root += 1n;
  return root;
}
