/** Frames and networks for laws. */

import fc from "fast-check";
import { type Frame, ONE_VLAN, type PortVlans } from "../../src/linux/net/bridge.ts";
import type { NetworkParameters, TapParameters } from "../../src/linux/net/switched-network.ts";
import type { TbfParameters } from "../../src/linux/net/tbf.ts";

/** Stations that are no station. */
export const BROADCAST = -1;
export const PAUSE = -2;
/** Group addresses from here on. */
export const GROUPS = 6;

export interface FrameText {
  readonly from: number;
  readonly to: number;
  /** Priority and VLAN; null for no tag. */
  readonly tag?: readonly [priority: number, vlan: number] | null;
  /** Without the tag. */
  readonly bytes?: number;
  /** Told apart by it. */
  readonly id?: number;
}

export function frameOf({ from, to, tag = null, bytes = 60, id = 0 }: FrameText): Frame {
  const head = [...addressOf(to), ...addressOf(from)];
  const control = tag === null ? 0 : (tag[0] << 13) | tag[1];
  if (tag !== null) head.push(0x81, 0, control >> 8, control & 0xff);
  head.push(0x88, 0xb5, id >> 8, id & 0xff);
  const payload = Array.from({ length: Math.max(0, bytes - 16) }, (_, at) => (id + at) & 0xff);
  return Uint8Array.of(...head, ...payload);
}

export function addressOf(station: number): number[] {
  if (station === PAUSE) return [0x01, 0x80, 0xc2, 0, 0, 1];
  if (station === BROADCAST) return [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const isGroup = station >= GROUPS && station < 8;
  return [isGroup ? 3 : 2, 0, 0, 0, station >> 8, station & 0xff];
}

/** The number that `frameOf` was given, in a frame without a tag. */
export const idOf = (frame: Frame): number => ((frame[14] ?? 0) << 8) | (frame[15] ?? 0);

const VLANS = [1, 2, 3];

export const anyVlans = (): fc.Arbitrary<PortVlans> =>
  fc
    .record({
      pvid: fc.option(fc.constantFrom(...VLANS), { nil: null }),
      forms: fc.array(fc.constantFrom("untagged", "tagged", "no"), {
        minLength: VLANS.length,
        maxLength: VLANS.length,
      }),
    })
    .map(({ pvid, forms }) => ({
      pvid,
      untagged: VLANS.filter((_, i) => forms[i] === "untagged"),
      tagged: VLANS.filter((_, i) => forms[i] === "tagged"),
    }));

export const anyTbf = (): fc.Arbitrary<TbfParameters> =>
  fc.record({
    bytesPerSecond: fc.constantFrom(1, 7, 1000, 125_000, 1_000_000, 12_500_003, 12_500_000_000),
    burstBytes: fc.constantFrom(1522, 1600, 10_000, 4_194_304),
    limitBytes: fc.constantFrom(1522, 4000, 50_000),
  });

/** Frames come at these distances, many of them at once. */
export const anyGap = (): fc.Arbitrary<number> =>
  fc.oneof(fc.constant(0), fc.nat(2000), fc.nat(2_000_000), fc.nat(2_000_000_000));

export const anySize = (): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(60, 1514), fc.integer({ min: 60, max: 1514 }));

export const anyNetwork = (): fc.Arbitrary<NetworkParameters> =>
  fc.record({
    taps: fc.array(anyTap(), { minLength: 1, maxLength: 4 }),
    uplink: fc.option(
      fc.record({
        vlans: fc.constant(ONE_VLAN),
        bitsPerSecond: fc.constantFrom(10_000_000, 1_000_000_000, 40_000_000_000),
        latency: fc.constantFrom(0, 500, 100_000),
      }),
      { nil: null },
    ),
    tapLatency: fc.constantFrom(0, 10_000),
  });

const anyTap = (): fc.Arbitrary<TapParameters> =>
  fc.record({
    vlans: fc.constant(ONE_VLAN),
    outbound: fc.option(anyTbf(), { nil: null }),
    inbound: fc.option(anyTbf(), { nil: null }),
    weight: fc.integer({ min: 1, max: 5 }),
  });
