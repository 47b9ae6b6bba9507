/**
 * A learning bridge with VLANs: which ports a frame leaves by, and in which form. IEEE Std 802.1Q (Bridges and Bridged
 * Networks), "The Forwarding Process", "The Learning Process", "Tagged and untagged frames"; Linux,
 * Documentation/networking/bridge.rst, "VLAN" (filtering is on). Pure functions over plain state. Not modelled: spanning
 * tree, multicast snooping, stacked tags, priorities of queues.
 */

import type { Cycles } from "../../sim/time.ts";
import { type Fdb, learn, newFdb, portOf } from "./fdb.ts";

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

export interface Bridge {
  ports: PortVlans[];
  fdb: Fdb;
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

const ADDRESS_BYTES = 6;
const HEADER_BYTES = 14;
const TYPE_AT = 2 * ADDRESS_BYTES;
const TAG_BYTES = 4;
const TAG_TYPE = 0x8100;
const VID_MASK = 0xfff;
const GROUP = 1;
/** "Reserved addresses": frames to these end at a bridge. */
const RESERVED = { first: 0x0180_c200_0000, last: 0x0180_c200_000f } as const;

export const newBridge = (ports: readonly PortVlans[]): Bridge => ({
  ports: [...ports],
  fdb: newFdb(),
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
  const [destination, sender] = [addressAt(frame, 0), addressAt(frame, ADDRESS_BYTES)];
  // A group address is no sender.
  if (!isGroup(frame, ADDRESS_BYTES)) learn(bridge.fdb, vlan, sender, port, now);
  if (destination >= RESERVED.first && destination <= RESERVED.last) return [];
  const known = isGroup(frame, 0) ? null : portOf(bridge.fdb, vlan, destination, now);
  const wanted = known === null ? [...bridge.ports.keys()] : [known];
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

const isGroup = (frame: Frame, at: number): boolean => ((frame[at] ?? 0) & GROUP) !== 0;

const wordAt = (frame: Frame, at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);

const addressAt = (frame: Frame, at: number): number =>
  (wordAt(frame, at) * 0x1_0000 + wordAt(frame, at + 2)) * 0x1_0000 + wordAt(frame, at + 4);
