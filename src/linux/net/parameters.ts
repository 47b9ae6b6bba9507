/** What a configuration or an administrator says of a network, checked, in the words of the one who gave it: tc(8), bridge(8). */

import { InputError } from "../../sim/assert.ts";
import type { Json, Plain } from "../../sim/data.ts";
import { CYCLES_PER_SECOND } from "../../sim/time.ts";
import { type Fields, fieldsOf, wholeOf } from "../fields.ts";
import { FRAME_BYTES_MAX, ONE_VLAN, type PortVlans } from "./bridge.ts";
import type { NetworkParameters, TapParameters, UplinkParameters } from "./switched-network.ts";
import { BURST_MAX, type TbfParameters } from "./tbf.ts";

const WEIGHT_MAX = 1000;
const BYTES_PER_SECOND_MAX = 2 ** 40;
const BITS_PER_SECOND_MAX = 1_000_000_000_000;
const LIMIT_MAX = 2 ** 32;
const VLAN_MAX = 4094;
/** About what a switch in software takes, and the wake-up behind it. */
const TAP_LATENCY = 10_000;
/** Ten gigabits, and 200 metres. */
const LINE_RATE = 10_000_000_000;
const CABLE_LATENCY = 1000;

/** `{bitsPerSecond, latency, vlans, taps: [...]}`: what is not said is a fast line, one VLAN and no limits. */
export function networkOf(given: Json, tapCount: number, place: string): NetworkParameters {
  const fields = fieldsOf(given, place, ["bitsPerSecond", "latency", "vlans", "taps"]);
  const taps = fields["taps"] ?? [];
  if (!Array.isArray(taps) || taps.length > tapCount)
    throw new InputError(`${place}: taps is a list of at most ${tapCount}`);
  return {
    taps: Array.from({ length: tapCount }, (_, i) =>
      tapOf((taps as readonly Json[])[i] ?? {}, `${place}: tap ${i}`),
    ),
    uplink: uplinkOf(fields, place),
    tapLatency: TAP_LATENCY,
  };
}

/** Taps without limits in one VLAN, and no uplink. */
export const plainNetwork = (tapCount: number): NetworkParameters => ({
  ...networkOf({}, tapCount, "network"),
  uplink: null,
});

function uplinkOf(fields: Fields, place: string): UplinkParameters {
  const { bitsPerSecond = LINE_RATE, latency = CABLE_LATENCY, vlans } = fields;
  return {
    bitsPerSecond: wholeOf(bitsPerSecond, `${place}: bitsPerSecond`, 1000, BITS_PER_SECOND_MAX),
    latency: wholeOf(latency, `${place}: latency`, 0, CYCLES_PER_SECOND),
    vlans: vlans === undefined ? ONE_VLAN : vlansOf(vlans, `${place}: vlans`),
  };
}

function tapOf(given: Json, place: string): TapParameters {
  const fields = fieldsOf(given, place, ["vlans", "inbound", "outbound", "weight"]);
  const { vlans, inbound = null, outbound = null, weight = 1 } = fields;
  return {
    vlans: vlans === undefined ? ONE_VLAN : vlansOf(vlans, `${place}: vlans`),
    inbound: limitOf(inbound, `${place}: inbound`),
    outbound: limitOf(outbound, `${place}: outbound`),
    weight: weightOf(weight, place),
  };
}

function vlansOf(given: Json, place: string): PortVlans {
  const {
    pvid = null,
    untagged = [],
    tagged = [],
  } = fieldsOf(given, place, ["pvid", "untagged", "tagged"]);
  const list = (numbers: Json, name: string): readonly number[] => {
    if (!Array.isArray(numbers)) throw new InputError(`${place}: ${name} is a list of VLANs`);
    return numbers.map((number: Json) => wholeOf(number, `${place}: ${name}`, 1, VLAN_MAX));
  };
  return {
    pvid: pvid === null ? null : wholeOf(pvid, `${place}: pvid`, 1, VLAN_MAX),
    untagged: list(untagged, "untagged"),
    tagged: list(tagged, "tagged"),
  };
}

/** Null for no limit. */
export function limitOf(given: Json, place: string): TbfParameters | null {
  if (given === null) return null;
  const fields = fieldsOf(given, place, ["bytesPerSecond", "burstBytes", "limitBytes"]);
  const whole = (key: string, least: number, most: number): number =>
    wholeOf(fields[key], `${place}: ${key}`, least, most);
  return {
    bytesPerSecond: whole("bytesPerSecond", 1, BYTES_PER_SECOND_MAX),
    burstBytes: whole("burstBytes", FRAME_BYTES_MAX, BURST_MAX),
    limitBytes: whole("limitBytes", FRAME_BYTES_MAX, LIMIT_MAX),
  };
}

export const weightOf = (given: Json | undefined, place: string): number =>
  wholeOf(given, `${place}: weight`, 1, WEIGHT_MAX);

export function bytesOf(given: Plain, place: string): Uint8Array {
  const isBytes =
    Array.isArray(given) &&
    given.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  if (!isBytes) throw new InputError(`${place}: a frame is a list of bytes`);
  return Uint8Array.from(given as readonly number[]);
}
