/**
 * A learning switch: which ports a frame leaves by. IEEE Std 802.1D (specification of MAC bridges), "The Forwarding
 * Process" and "The Learning Process". Pure functions over plain state; when frames arrive is said by who has the
 * wires. Not modelled: ageing (the oldest address makes room instead), spanning tree, VLANs.
 */

export interface EthernetSwitch {
  ports: number;
  /** Where an address was last seen, the one seen longest ago first. */
  learned: { address: string; port: number }[];
}

const ADDRESS_BYTES = 6;
const HEADER_BYTES = 14;
const GROUP = 1;
const LEARNED_MAX = 256;
/** "Reserved addresses": frames to these end at a bridge. */
const RESERVED = /^0180c200000.$/;

export const newEthernetSwitch = (ports: number): EthernetSwitch => ({ ports, learned: [] });

/** The ports that a frame leaves by, in ascending order; learns where its sender is. */
export function forwardFrame(
  state: EthernetSwitch,
  port: number,
  frame: Uint8Array,
): readonly number[] {
  if (frame.length < HEADER_BYTES || port < 0 || port >= state.ports) return [];
  const destination = addressAt(frame, 0);
  learn(state, addressAt(frame, ADDRESS_BYTES), port);
  if (RESERVED.test(destination)) return [];
  const known = isGroup(destination)
    ? undefined
    : state.learned.find(({ address }) => address === destination);
  if (known !== undefined) return known.port === port ? [] : [known.port];
  return Array.from({ length: state.ports }, (_, i) => i).filter((i) => i !== port);
}

/** A group address is no sender. */
function learn(state: EthernetSwitch, source: string, port: number): void {
  if (isGroup(source)) return;
  const { learned } = state;
  const index = learned.findIndex(({ address }) => address === source);
  if (index >= 0) learned.splice(index, 1);
  else if (learned.length === LEARNED_MAX) learned.shift();
  learned.push({ address: source, port });
}

const isGroup = (address: string): boolean =>
  (Number.parseInt(address.slice(0, 2), 16) & GROUP) !== 0;

const addressAt = (frame: Uint8Array, at: number): string =>
  Array.from(frame.subarray(at, at + ADDRESS_BYTES), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
