/** Requests to a host's disk, for laws. */

import fc from "fast-check";
import type { GroupParameters } from "../../src/linux/block/block-layer.ts";
import type { DiskParameters } from "../../src/linux/block/disk.ts";
import { type IoMax, NO_IO_MAX } from "../../src/linux/block/io-max.ts";
import type { BlockRequest, RequestKind } from "../../src/linux/block/request.ts";
import { anyGap } from "./net.ts";

export interface Arrival {
  readonly gap: number;
  readonly group: number;
  readonly kind: RequestKind;
  readonly sector: number;
  readonly sectors: number;
  readonly isForced: boolean;
}

export const SECTORS = 100_000;

export const anyArrivals = (maxLength = 40): fc.Arbitrary<Arrival[]> =>
  fc.array(
    fc.record({
      gap: anyGap(),
      group: fc.nat(2),
      kind: fc.constantFrom(
        "read" as const,
        "write" as const,
        "discard" as const,
        "flush" as const,
      ),
      sector: fc.nat(SECTORS - 5000),
      sectors: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 5000 })),
      isForced: fc.boolean(),
    }),
    { minLength: 1, maxLength, size: "max" },
  );

export const requestOf = (id: number, arrival: Arrival): BlockRequest => {
  const { group, kind, sector, sectors, isForced } = arrival;
  const bytes = kind === "flush" ? 0 : 512 * sectors;
  return { id, group, kind, sector, bytes, isForced: isForced && kind === "write" };
};

const anyLimit = (...some: readonly number[]): fc.Arbitrary<number> =>
  fc.constantFrom(Infinity, ...some);

export const anyIoMax = (): fc.Arbitrary<IoMax> =>
  fc.oneof(
    fc.constant(NO_IO_MAX),
    fc.record({
      rbps: anyLimit(1_000_003, 100_000_000),
      wbps: anyLimit(77_000, 10_000_000, 3_000_000_000),
      riops: anyLimit(3, 1000),
      wiops: anyLimit(10, 77),
    }),
  );

export const anyDisk = (): fc.Arbitrary<DiskParameters> =>
  fc.record({
    depth: fc.constantFrom(1, 2, 32),
    fixed: fc.record({
      read: fc.constantFrom(10, 80_000),
      write: fc.constantFrom(10, 20_000),
      discard: fc.constantFrom(0, 5000),
      flush: fc.constantFrom(1000, 2_000_000),
    }),
    bytesPerSecond: fc.constantFrom(150_000_000, 3_000_000_007),
    seek: fc.option(
      fc.record({
        shortest: fc.constantFrom(0, 500_000),
        longest: fc.constantFrom(500_000, 8_000_000),
        sectors: fc.constant(SECTORS),
      }),
      { nil: null },
    ),
  });

export const anyGroups = (): fc.Arbitrary<GroupParameters[]> =>
  fc.array(fc.record({ max: anyIoMax(), weight: fc.constantFrom(1, 3, 100, 10_000) }), {
    minLength: 3,
    maxLength: 3,
  });
