/**
 * The traditional memory balloon. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Traditional Memory Balloon
 * Device". Not modelled: free page hinting and reporting, page poisoning.
 */

import type { VirtioDevice } from "./device.ts";
import type { VirtioPort } from "./port.ts";
import { totalBytes } from "./virtqueue.ts";

export interface BalloonOptions {
  /** Hears of pages that the driver gives away, and takes back, by their numbers. May not use the device. */
  inflated(pages: readonly number[]): void;
  deflated(pages: readonly number[]): void;
}

interface Balloon {
  /** How many pages the board wants, and how many the driver says that it gave. */
  wanted: number;
  actual: number;
  /** The buffer that the driver gets back when it is to tell its statistics anew. */
  held: number | null;
  /** What it told last: tags and values, "Memory Statistics Tags". */
  statistics: readonly (readonly [tag: number, value: number])[];
}

const F_STATS_VQ = 1;
const F_DEFLATE_ON_OOM = 2;

const [INFLATE, STATISTICS] = [0, 2];
/** Of an entry: a tag of 16 bits, a value of 64. */
const STATISTIC_BYTES = 10;
/** There are sixteen tags. */
const STATISTICS_MAX = 64;
/** Place of `actual` in the configuration. */
const ACTUAL = 4;
/** Of one buffer; Linux sends 256 at a time. */
const PAGES_MAX = 0x1_0000;

/** Input `wanted` sets the number of pages that the driver should give; `refresh` asks for its statistics. */
export const virtioBalloon = (options: BalloonOptions): VirtioDevice<Balloon> => ({
  name: "virtio-balloon",
  cites: "VIRTIO 1.2, Traditional Memory Balloon Device",
  id: 5,
  classCode: 0x00_ff_00,
  features: [F_STATS_VQ, F_DEFLATE_ON_OOM],
  queueSizes: [64, 64, 64],
  powerOn: () => ({ wanted: 0, actual: 0, held: null, statistics: [] }),
  reset: (device) => {
    device.actual = 0;
    device.held = null;
    device.statistics = [];
  },
  configuration: ({ wanted, actual }) => [...wordBytes(wanted), ...wordBytes(actual)],
  writeConfiguration: (port, offset, byte) => {
    if (offset < ACTUAL) return;
    const bytes = wordBytes(port.device.actual);
    bytes[offset - ACTUAL] = byte;
    port.device.actual = new DataView(Uint8Array.from(bytes).buffer).getUint32(0, true);
  },
  notify: (port, queue) => {
    if (queue === STATISTICS) takeStatistics(port);
    else takePages(port, queue, options);
  },
  inputs: {
    wanted: (port, pages) => {
      port.device.wanted = pages >>> 0;
      port.configurationChanged();
    },
    refresh: (port) => giveHeld(port),
  },
});

/** The last buffer is kept; the driver has it back when it is to fill it again. */
function takeStatistics(port: VirtioPort<Balloon>): void {
  for (;;) {
    const chain = port.take(STATISTICS);
    if (chain === null) return;
    giveHeld(port);
    const most = Math.floor(totalBytes(chain.readable) / STATISTIC_BYTES);
    const count = Math.min(most, STATISTICS_MAX);
    const bytes = port.read(chain, 0, STATISTIC_BYTES * count);
    if (bytes === null) return;
    const view = new DataView(bytes.buffer);
    const { device } = port;
    device.held = chain.head;
    device.statistics = Array.from({ length: count }, (_, i) => [
      view.getUint16(STATISTIC_BYTES * i, true),
      Number(view.getBigUint64(STATISTIC_BYTES * i + 2, true)),
    ]);
  }
}

function giveHeld(port: VirtioPort<Balloon>): void {
  const { held } = port.device;
  port.device.held = null;
  const chain = held === null ? null : port.chainOf(STATISTICS, held);
  if (chain !== null) port.give(STATISTICS, chain, 0);
}

/** Each buffer is an array of page numbers of 32 bits. */
function takePages(port: VirtioPort<Balloon>, queue: number, options: BalloonOptions): void {
  for (;;) {
    const chain = port.take(queue);
    if (chain === null) return;
    const count = Math.min(Math.floor(totalBytes(chain.readable) / 4), PAGES_MAX);
    const bytes = port.read(chain, 0, 4 * count);
    if (bytes === null) return;
    const view = new DataView(bytes.buffer);
    const pages = Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
    if (queue === INFLATE) options.inflated(pages);
    else options.deflated(pages);
    port.give(queue, chain, 0);
  }
}

const wordBytes = (value: number): number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
