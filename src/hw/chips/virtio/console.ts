/**
 * The console device with one port. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Console Device". What comes in
 * waits until the driver has buffers. Not modelled: several ports.
 */

import type { VirtioDevice } from "./device.ts";
import type { VirtioPort } from "./port.ts";
import { totalBytes } from "./virtqueue.ts";

export interface ConsoleOptions {
  readonly columns: number;
  readonly rows: number;
  /** Takes bytes that the driver sends. May not use the device. */
  transmit(bytes: Uint8Array): void;
}

interface Console {
  /** Received, and not taken by the driver yet. */
  received: number[];
}

const F_SIZE = 0;
const F_EMERG_WRITE = 2;

const RECEIVE = 0;
const TRANSMIT = 1;
/** Place of emerg_wr in the configuration. */
const EMERGENCY = 8;
const RECEIVED_MAX = 1024;
/** Of one buffer; what is longer is cut. */
const TRANSMIT_MAX = 0x1_0000;

/** Input `rx` receives a byte; the wire `full` is asserted while one more would be lost. */
export const virtioConsole = (options: ConsoleOptions): VirtioDevice<Console> => ({
  name: "virtio-console",
  cites: "VIRTIO 1.2, Console Device",
  id: 3,
  classCode: 0x07_80_00,
  features: [F_SIZE, F_EMERG_WRITE],
  queueSizes: [64, 64],
  powerOn: () => ({ received: [] }),
  reset: () => {},
  configuration: () => {
    const { columns, rows } = options;
    return [columns & 0xff, columns >> 8, rows & 0xff, rows >> 8, 1, 0, 0, 0, 0, 0, 0, 0];
  },
  // "Emergency write": the driver sends a character without any queue.
  writeConfiguration: (_port, offset, byte) => {
    if (offset === EMERGENCY) options.transmit(Uint8Array.of(byte));
  },
  notify: (port, queue) => {
    if (queue === TRANSMIT) transmit(port, options);
    else deliver(port);
  },
  inputs: {
    rx: (port, byte) => {
      const { received } = port.device;
      if (received.length < RECEIVED_MAX) received.push(byte & 0xff);
      deliver(port);
    },
  },
  wires: ({ received }) => ({ full: received.length >= RECEIVED_MAX }),
});

function transmit(port: VirtioPort<Console>, options: ConsoleOptions): void {
  for (;;) {
    const chain = port.take(TRANSMIT);
    if (chain === null) return;
    const bytes = port.read(chain, 0, Math.min(totalBytes(chain.readable), TRANSMIT_MAX));
    if (bytes === null) return;
    if (bytes.length > 0) options.transmit(bytes);
    port.give(TRANSMIT, chain, 0);
  }
}

function deliver(port: VirtioPort<Console>): void {
  const { received } = port.device;
  while (received.length > 0) {
    const chain = port.take(RECEIVE);
    if (chain === null) return;
    const count = Math.min(received.length, totalBytes(chain.writable));
    if (!port.write(chain, 0, Uint8Array.from(received.slice(0, count)))) return;
    received.splice(0, count);
    port.give(RECEIVE, chain, count);
  }
}
