/**
 * The network device: one pair of queues. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Network Device". Frames
 * go out at once; one that comes in while the driver has made no room for it is lost, as on any wire. Not modelled:
 * offloads, the control queue, filters by address.
 */

import type { VirtioDevice } from "./device.ts";
import type { VirtioPort } from "./port.ts";
import { type Chain, totalBytes } from "./virtqueue.ts";

export interface NetworkOptions {
  /** Six bytes. */
  readonly mac: readonly number[];
  /** Takes a frame that the driver sends. May not use the device. */
  transmit(frame: Uint8Array): void;
}

export interface Network {
  isLinkUp: boolean;
}

const F_MAC = 5;
const F_MRG_RXBUF = 15;
const F_STATUS = 16;

const RECEIVE = 0;
const TRANSMIT = 1;
/** struct virtio_net_hdr, which ends with num_buffers. */
const HEADER_BYTES = 12;
/** With a VLAN tag, without the frame check sequence. */
const FRAME_BYTES_MAX = 1518;

/** Input `link`: 0 takes the link down. */
export const virtioNetwork = (options: NetworkOptions): VirtioDevice<Network> => ({
  name: "virtio-net",
  cites: "VIRTIO 1.2, Network Device",
  id: 1,
  classCode: 0x02_00_00,
  features: [F_MAC, F_MRG_RXBUF, F_STATUS],
  queueSizes: [256, 256],
  powerOn: () => ({ isLinkUp: true }),
  reset: () => {},
  // MAC, status, one pair of queues.
  configuration: ({ isLinkUp }) => [...options.mac, isLinkUp ? 1 : 0, 0, 1, 0],
  notify: (port, queue) => {
    if (queue === TRANSMIT) transmit(port, options);
  },
  inputs: {
    link: (port, level) => {
      if (port.device.isLinkUp === (level !== 0)) return;
      port.device.isLinkUp = level !== 0;
      port.configurationChanged();
    },
  },
});

/** "Packet Transmission". */
function transmit(port: VirtioPort<Network>, options: NetworkOptions): void {
  for (;;) {
    const chain = port.take(TRANSMIT);
    if (chain === null) return;
    const size = totalBytes(chain.readable) - HEADER_BYTES;
    if (size > 0 && size <= FRAME_BYTES_MAX) {
      const frame = port.read(chain, HEADER_BYTES, size);
      if (frame === null) return;
      if (port.device.isLinkUp) options.transmit(frame);
    }
    port.give(TRANSMIT, chain, 0);
  }
}

/** A frame from the wire; false when it is lost. "Processing of Incoming Packets". */
export function receiveFrame(port: VirtioPort<Network>, frame: Uint8Array): boolean {
  if (!port.device.isLinkUp || frame.length > FRAME_BYTES_MAX) return false;
  const bytes = new Uint8Array(HEADER_BYTES + frame.length);
  bytes.set(frame, HEADER_BYTES);
  const chains = takeRoom(port, bytes.length);
  if (chains === null) return false;
  bytes[10] = chains.length & 0xff;
  bytes[11] = chains.length >> 8;
  let done = 0;
  for (const chain of chains) {
    const part = bytes.subarray(done, done + totalBytes(chain.writable));
    if (!port.write(chain, 0, part)) return false;
    port.give(RECEIVE, chain, part.length);
    done += part.length;
  }
  return true;
}

/** Buffers for so many bytes: one, or with VIRTIO_NET_F_MRG_RXBUF as many as it takes. None is taken if they are few. */
function takeRoom(port: VirtioPort<Network>, size: number): readonly Chain[] | null {
  const chains: Chain[] = [];
  let room = 0;
  while (room < size && (chains.length === 0 || port.has(F_MRG_RXBUF))) {
    const chain = port.take(RECEIVE);
    if (chain === null) break;
    chains.push(chain);
    room += totalBytes(chain.writable);
  }
  if (room >= size) return chains;
  port.untake(RECEIVE, chains.length);
  return null;
}
