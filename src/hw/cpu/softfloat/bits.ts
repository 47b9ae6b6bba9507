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
  if (value === 0n) return 0n;
  // The host's square root is exact to 53 bits (IEEE 754 requires it), so Newton starts close.
  const shift = Math.max(0, bitLength(value) - 1000) & ~1;
  const guess = BigInt(Math.floor(Math.sqrt(Number(value >> BigInt(shift)))));
  let root = newtonStep(value, guess << BigInt(shift / 2));
  // From the first step on the guess is never below the root, so it falls until it is there.
  for (;;) {
    const next = newtonStep(value, root);
    if (next >= root) return root;
    root = next;
  }
}

function newtonStep(value: bigint, guess: bigint): bigint {
  return (guess + value / guess) >> 1n;
}
