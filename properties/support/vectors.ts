/** Arbitraries for XMM registers and MXCSR: integers and floats, with the values at which instructions go wrong. */

import fc from "fast-check";

const integerEdges = (bits: number): bigint[] => {
  const top = 1n << BigInt(bits - 1);
  return [0n, 1n, 2n, top - 1n, top, top + 1n, 2n * top - 1n, 2n * top - 2n];
};

/** Zero, denormals, the normal numbers at both ends, one, the ends of integers, infinity, quiet and signaling NaNs. */
function floatEdges(exponentBits: number, fractionBits: number): bigint[] {
  const unit = 1n << BigInt(fractionBits);
  const infinity = ((1n << BigInt(exponentBits)) - 1n) * unit;
  const one = ((1n << BigInt(exponentBits - 1)) - 1n) * unit;
  const powers = [30, 31, 32, 62, 63, 64].map((n) => one + BigInt(n) * unit);
  const [quiet, signaling] = [infinity | (unit >> 1n) | 5n, infinity | 3n];
  return [
    0n,
    1n,
    unit - 1n,
    unit,
    unit + 1n,
    one,
    one + 1n,
    infinity - 1n,
    infinity,
    quiet,
    signaling,
    ...powers,
    ...powers.map((power) => power - 1n),
  ];
}

/** Numbers of a middling size, so that sums and products stay finite and exact ones occur. */
function ordinaryFloat(exponentBits: number, fractionBits: number): fc.Arbitrary<bigint> {
  const bias = (1 << (exponentBits - 1)) - 1;
  return fc
    .tuple(
      fc.integer({ min: bias - 12, max: bias + 12 }),
      fc.bigInt({ min: 0n, max: (1n << BigInt(fractionBits)) - 1n }),
      fc.nat(fractionBits),
      fc.boolean(),
    )
    .map(([exponent, fraction, zeros, negative]) => {
      const rounded = (fraction >> BigInt(zeros)) << BigInt(zeros);
      const sign = negative ? 1n << BigInt(exponentBits + fractionBits) : 0n;
      return sign | (BigInt(exponent) << BigInt(fractionBits)) | rounded;
    });
}

function anyFloat(exponentBits: number, fractionBits: number): fc.Arbitrary<bigint> {
  const sign = 1n << BigInt(exponentBits + fractionBits);
  const edges = floatEdges(exponentBits, fractionBits);
  return fc.oneof(
    { weight: 4, arbitrary: ordinaryFloat(exponentBits, fractionBits) },
    { weight: 1, arbitrary: fc.constantFrom(...edges, ...edges.map((edge) => edge | sign)) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n * sign - 1n }) },
  );
}

function anyInteger(bits: number): fc.Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
    fc.constantFrom(...integerEdges(bits)),
    fc.bigInt({ min: 0n, max: 20n }),
  );
}

function lanes(lane: fc.Arbitrary<bigint>, bits: number): fc.Arbitrary<bigint> {
  return fc
    .array(lane, { minLength: 128 / bits, maxLength: 128 / bits })
    .map((list) => list.reduceRight((vector, x) => (vector << BigInt(bits)) | x, 0n));
}

export function anyVector(): fc.Arbitrary<bigint> {
  return fc.oneof(
    { weight: 3, arbitrary: lanes(anyFloat(8, 23), 32) },
    { weight: 3, arbitrary: lanes(anyFloat(11, 52), 64) },
    ...([8, 16, 32, 64] as const).map((bits) => ({
      weight: 1,
      arbitrary: lanes(anyInteger(bits), bits),
    })),
  );
}

/** As at reset, with the precision flag, or with any rounding, flushing and flags; rarely with exceptions unmasked. */
export function anyMxcsr(): fc.Arbitrary<number> {
  const steered = fc
    .tuple(fc.nat(3), fc.boolean(), fc.boolean(), fc.nat(63))
    .map(([rounding, flush, zeros, flags]) => {
      const steering = (rounding << 13) | (flush ? 0x8000 : 0) | (zeros ? 0x40 : 0);
      return 0x1f80 | steering | flags;
    });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0x1f80, 0x1fa0) },
    { weight: 3, arbitrary: steered },
    { weight: 1, arbitrary: fc.nat(0xffff) },
  );
}

/** Sixteen registers of one kind, half of them of the values at which instructions go wrong. */
export function anyVectorsOfOneKind(): fc.Arbitrary<readonly bigint[]> {
  const edges = (values: readonly bigint[], lane: fc.Arbitrary<bigint>, bits: number) =>
    lanes(fc.oneof(fc.constantFrom(...values), lane), bits);
  const signed = (values: readonly bigint[], bits: number): bigint[] =>
    values.flatMap((value) => [value, value | (1n << BigInt(bits - 1))]);
  const kinds = [
    edges(signed(floatEdges(8, 23), 32), ordinaryFloat(8, 23), 32),
    edges(signed(floatEdges(11, 52), 64), ordinaryFloat(11, 52), 64),
    lanes(ordinaryFloat(8, 23), 32),
    lanes(ordinaryFloat(11, 52), 64),
    ...([8, 16, 32, 64] as const).map((bits) => edges(integerEdges(bits), anyInteger(bits), bits)),
  ];
  return fc.oneof(...kinds.map((kind) => fc.array(kind, { minLength: 16, maxLength: 16 })));
}
