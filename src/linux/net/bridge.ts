/**
 * A learning bridge with VLANs: which ports a frame leaves by, and in which form. IEEE Std 802.1Q (Bridges and Bridged
 * Networks), "The Forwarding Process", "The Learning Process", "Tagged and untagged frames"; Linux,
 * Documentation/networking/bridge.rst, "VLAN" (filtering is on). Pure functions over plain state. Not modelled: spanning
 * tree, multicast snooping, stacked tags, priorities of queues.
 */

import { CYCLES_PER_SECOND, type Cycles } from "../../sim/time.ts";

/** A frame, or what of one goes out by a port. */
export type Frame = Uint8Array;

/** What a port belongs to: Linux, bridge(8), "bridge vlan". */
export interface PortVlans {
  /** Where frames without a tag belong; null when the port takes none. */
  readonly pvid: number | null;
  /** VLANs that the port belongs to, by the form in which their frames leave. */
  readonly untagged: readonly number[];
  readonly tagged: readonly number[];
}

/** An entry of the forwarding database. */
interface Learned {
  readonly vlan: number;
  readonly address: string;
  readonly port: number;
  readonly seen: Cycles;
}

export interface Bridge {
  ports: PortVlans[];
  /** The entry seen longest ago first. */
  learned: Learned[];
  /** Frames that nobody was to get: of a VLAN that the port does not belong to, or no frames at all. */
  refused: number;
}

export interface Outgoing {
  readonly port: number;
  readonly frame: Frame;
}

/** With a tag, without the check sequence. */
export const FRAME_BYTES_MAX = 1518;

/** All in one VLAN. */
export const ONE_VLAN: PortVlans = { pvid: 1, untagged: [1], tagged: [] };

/** Linux, bridge ageing_time. */
export const AGEING: Cycles = 300 * CYCLES_PER_SECOND;
const LEARNED_MAX = 256;

const ADDRESS_BYTES = 6;
const HEADER_BYTES = 14;
const TYPE_AT = 2 * ADDRESS_BYTES;
const TAG_BYTES = 4;
const TAG_TYPE = 0x8100;
const VID_MASK = 0xfff;
const GROUP = 1;
/** "Reserved addresses": frames to these end at a bridge. */
const RESERVED = /^0180c200000.$/;

export const newBridge = (ports: readonly PortVlans[]): Bridge => ({
  ports: [...ports],
  learned: [],
  refused: 0,
});

/** By which ports a frame leaves, in ascending order; learns where its sender is. */
export function forwardFrame(
  bridge: Bridge,
  port: number,
  frame: Frame,
  now: Cycles,
): readonly Outgoing[] {
  const from = bridge.ports[port];
  const tagged = from === undefined ? null : classify(frame, from);
  if (from === undefined || tagged === null || !belongs(from, tagged.vlan)) {
    bridge.refused += 1;
    return [];
  }
  const { vlan } = tagged;
  const destination = addressAt(frame, 0);
  learn(bridge, { vlan, address: addressAt(frame, ADDRESS_BYTES), port, seen: now });
  if (RESERVED.test(destination)) return [];
  const known = isGroup(destination)
    ? undefined
    : bridge.learned.find((entry) => entry.vlan === vlan && entry.address === destination);
  const wanted = known === undefined ? [...bridge.ports.keys()] : [known.port];
  return wanted.flatMap((number) => {
    const to = bridge.ports[number];
    return to === undefined || number === port || !belongs(to, vlan)
      ? []
      : [{ port: number, frame: leave(frame, tagged, to) }];
  });
}

const belongs = ({ untagged, tagged }: PortVlans, vlan: number): boolean =>
  untagged.includes(vlan) || tagged.includes(vlan);

interface Tagged {
  readonly vlan: number;
  /** Priority and drop eligibility. */
  readonly priority: number;
  readonly hasTag: boolean;
}

/** Null for what is no frame, or belongs nowhere. "Tag of VLAN identifier 0": a priority alone. */
function classify(frame: Frame, { pvid }: PortVlans): Tagged | null {
  const hasTag = wordAt(frame, TYPE_AT) === TAG_TYPE;
  const size = frame.length - (hasTag ? TAG_BYTES : 0);
  if (size < HEADER_BYTES || size > FRAME_BYTES_MAX - TAG_BYTES) return null;
  const control = hasTag ? wordAt(frame, TYPE_AT + 2) : 0;
  const vlan = (control & VID_MASK) === 0 ? pvid : control & VID_MASK;
  return vlan === null ? null : { vlan, priority: control & ~VID_MASK, hasTag };
}

/** The frame in the form in which its VLAN leaves by a port. */
function leave(frame: Frame, { vlan, priority, hasTag }: Tagged, to: PortVlans): Frame {
  const rest = frame.subarray(hasTag ? TYPE_AT + TAG_BYTES : TYPE_AT);
  const control = priority | vlan;
  const tag = to.untagged.includes(vlan)
    ? []
    : [TAG_TYPE >> 8, TAG_TYPE & 0xff, control >> 8, control & 0xff];
  const out = new Uint8Array(TYPE_AT + tag.length + rest.length);
  out.set(frame.subarray(0, TYPE_AT));
  out.set(tag, TYPE_AT);
  out.set(rest, TYPE_AT + tag.length);
  return out;
}

/** A group address is no sender. Entries are in the order of their times, so the old ones are the first. */
function learn(bridge: Bridge, entry: Learned): void {
  const { learned } = bridge;
  const isYoung = ({ seen }: Learned): boolean => entry.seen - seen <= AGEING;
  while (learned[0] !== undefined && !isYoung(learned[0])) learned.shift();
  if (isGroup(entry.address)) return;
  const index = learned.findIndex(
    ({ vlan, address }) => vlan === entry.vlan && address === entry.address,
  );
  if (index >= 0) learned.splice(index, 1);
  else if (learned.length === LEARNED_MAX) learned.shift();
  learned.push(entry);
}

const isGroup = (address: string): boolean =>
  (Number.parseInt(address.slice(0, 2), 16) & GROUP) !== 0;

const wordAt = (frame: Frame, at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);

const addressAt = (frame: Frame, at: number): string =>
  Array.from(frame.subarray(at, at + ADDRESS_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
