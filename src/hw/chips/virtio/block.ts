/**
 * The block device. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Block Device". A request takes a fixed time and
 * then happens at once, in the order of arrival; requests on their way are lost when the driver resets the device. Not
 * modelled: several queues, secure erase, zoned devices, lifetime, a cache that can be switched.
 */

import type { Cycles } from "../../../sim/time.ts";
import type { VirtioDevice } from "./device.ts";
import type { VirtioPort } from "./port.ts";
import { type Chain, totalBytes } from "./virtqueue.ts";

/** What holds the sectors, of 512 bytes each. It is asked for nothing beyond its end. */
export interface BlockBackend {
  readonly sectors: number;
  readonly isReadOnly: boolean;
  read(sector: number, count: number): Uint8Array;
  write(sector: number, bytes: Uint8Array): void;
  /** Makes sectors zeros. */
  zero(sector: number, count: number): void;
  flush(): void;
}

export interface BlockOptions {
  readonly backend: BlockBackend;
  /** What GET_ID answers: 20 characters at most. */
  readonly serial: string;
  readonly latency: Cycles;
}

export interface Block {
  /** Requests on their way: head and when each is done. */
  pending: [head: number, at: Cycles][];
}

type Port = VirtioPort<Block>;

const F_SIZE_MAX = 1;
const F_SEG_MAX = 2;
const F_RO = 5;
const F_BLK_SIZE = 6;
const F_FLUSH = 9;
const F_DISCARD = 13;
const F_WRITE_ZEROES = 14;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;
const T_DISCARD = 11;
const T_WRITE_ZEROES = 13;

const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

const QUEUE_SIZE = 128;
const SECTOR = 512;
const HEADER_BYTES = 16;
const ID_BYTES = 20;
const RANGE_BYTES = 16;
/** Segments of a request, besides header and status, and the bytes of each. */
const SEGMENTS_MAX = QUEUE_SIZE - 2;
const SEGMENT_BYTES_MAX = 0x1_0000;
/** Of DISCARD and WRITE_ZEROES. */
const RANGE_SECTORS_MAX = 0x1_0000;

/** What a request did: bytes that it wrote before the status, or the status of its failure. */
type Outcome = { readonly written: number } | { readonly failed: number };

export function virtioBlock(options: BlockOptions): VirtioDevice<Block> {
  const { backend, latency } = options;
  const features = [F_SIZE_MAX, F_SEG_MAX, F_BLK_SIZE, F_FLUSH];
  return {
    name: "virtio-blk",
    cites: "VIRTIO 1.2, Block Device",
    id: 2,
    classCode: 0x01_00_00,
    features: [...features, ...(backend.isReadOnly ? [F_RO] : [F_DISCARD, F_WRITE_ZEROES])],
    queueSizes: [QUEUE_SIZE],
    powerOn: () => ({ pending: [] }),
    reset: (device) => {
      device.pending = [];
    },
    configuration: () => configuration(backend),
    notify: (port, _queue, now) => {
      for (;;) {
        const head = port.takeHead(0);
        if (head === null) return;
        // More on their way than the queue has descriptors: some head came twice.
        if (port.device.pending.length >= port.sizeOf(0)) return port.fail();
        port.device.pending.push([head, now + latency]);
      }
    },
    deadline: ({ pending }, now) => {
      const first = pending[0];
      return first === undefined ? null : Math.max(first[1], now + 1);
    },
    advance: (port, now) => {
      for (;;) {
        const first = port.device.pending[0];
        if (first === undefined || first[1] > now) return;
        port.device.pending.shift();
        const chain = port.chainOf(0, first[0]);
        if (chain !== null) serve(port, chain, options);
      }
    },
  };
}

/** "Device configuration layout". */
function configuration({ sectors }: BlockBackend): readonly number[] {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sectors, true);
  view.setUint32(4, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(8, SEGMENT_BYTES_MAX, true);
  view.setUint32(12, SEGMENTS_MAX, true);
  view.setUint32(20, SECTOR, true);
  view.setUint16(34, 1, true);
  for (const place of [36, 48]) {
    view.setUint32(place, RANGE_SECTORS_MAX, true);
    view.setUint32(place + 4, 1, true);
  }
  // The alignment of discards, in sectors.
  view.setUint32(44, 1, true);
  return [...bytes];
}

/** The header is the first that can be read, the status the last byte that can be written. */
function serve(port: Port, chain: Chain, options: BlockOptions): void {
  const dataIn = totalBytes(chain.writable) - 1;
  if (dataIn < 0) return port.fail();
  const header = port.read(chain, 0, HEADER_BYTES);
  if (header === null) return;
  const view = new DataView(header.buffer);
  const type = view.getUint32(0, true);
  const sector = view.getUint32(12, true) * 2 ** 32 + view.getUint32(8, true);
  const outcome = perform(port, chain, { type, sector, dataIn }, options);
  if (outcome === null) return;
  const status = "failed" in outcome ? outcome.failed : S_OK;
  if (!port.write(chain, dataIn, Uint8Array.of(status))) return;
  const written = "written" in outcome ? outcome.written : 0;
  // Used bytes count from the first on, so a status behind bytes that were not written counts nothing.
  port.give(0, chain, written === dataIn ? dataIn + 1 : written);
}

interface Request {
  readonly type: number;
  readonly sector: number;
  /** Bytes for the device to write before the status. */
  readonly dataIn: number;
}

/** Null when memory is not there. */
function perform(
  port: Port,
  chain: Chain,
  request: Request,
  options: BlockOptions,
): Outcome | null {
  const { backend, serial } = options;
  const { type, sector, dataIn } = request;
  const dataOut = totalBytes(chain.readable) - HEADER_BYTES;
  switch (type) {
    case T_IN: {
      if (!isRange(backend, sector, dataIn)) return { failed: S_IOERR };
      const bytes = backend.read(sector, dataIn / SECTOR);
      return port.write(chain, 0, bytes) ? { written: dataIn } : null;
    }
    case T_OUT: {
      if (backend.isReadOnly || !isRange(backend, sector, dataOut)) return { failed: S_IOERR };
      const bytes = port.read(chain, HEADER_BYTES, dataOut);
      if (bytes === null) return null;
      backend.write(sector, bytes);
      return { written: 0 };
    }
    case T_FLUSH:
      backend.flush();
      return { written: 0 };
    case T_GET_ID: {
      if (dataIn < ID_BYTES) return { failed: S_IOERR };
      const id = Uint8Array.from({ length: ID_BYTES }, (_, i) => charCode(serial, i));
      return port.write(chain, 0, id) ? { written: ID_BYTES } : null;
    }
    case T_DISCARD:
    case T_WRITE_ZEROES:
      return zero(port, chain, request, backend);
    default:
      return { failed: S_UNSUPP };
  }
}

/** Discarded sectors read as zeros here. "Device Operation": one range, with no flag but unmap. */
function zero(port: Port, chain: Chain, { type }: Request, backend: BlockBackend): Outcome | null {
  const feature = type === T_DISCARD ? F_DISCARD : F_WRITE_ZEROES;
  if (backend.isReadOnly || !port.has(feature)) return { failed: S_UNSUPP };
  if (totalBytes(chain.readable) !== HEADER_BYTES + RANGE_BYTES) return { failed: S_IOERR };
  const range = port.read(chain, HEADER_BYTES, RANGE_BYTES);
  if (range === null) return null;
  const view = new DataView(range.buffer);
  const sector = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const count = view.getUint32(8, true);
  const flags = view.getUint32(12, true);
  if (flags > 1 || (flags === 1 && type === T_DISCARD)) return { failed: S_UNSUPP };
  if (count > RANGE_SECTORS_MAX || sector + count > backend.sectors) return { failed: S_IOERR };
  backend.zero(sector, count);
  return { written: 0 };
}

/** Whole sectors that are there, and no more than the configuration allows. */
const isRange = ({ sectors }: BlockBackend, sector: number, bytes: number): boolean =>
  bytes >= 0 &&
  bytes % SECTOR === 0 &&
  bytes <= SEGMENTS_MAX * SEGMENT_BYTES_MAX &&
  sector + bytes / SECTOR <= sectors;

const charCode = (text: string, index: number): number =>
  index < text.length ? text.charCodeAt(index) & 0x7f : 0;
