/**
 * The block device. OASIS Virtual I/O Device (VIRTIO) Specification 1.2, "Block Device". What a request is gets looked at
 * when it comes; it happens at once when it is done: after a fixed time, or when the disk's keeper says so. Requests on
 * their way are lost when the driver resets the device. Not modelled: several queues, secure erase, zoned devices, lifetime, a cache that can be switched.
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

/** What a request asks of a disk. */
export interface DiskRequest {
  readonly kind: "read" | "write" | "discard" | "flush";
  readonly sector: number;
  /** What is carried; of a discard, what it covers. */
  readonly bytes: number;
  /** A write that is complete only when it would survive a power cut. */
  readonly isForced: boolean;
}

export interface BlockOptions {
  readonly backend: BlockBackend;
  /** What GET_ID answers: 20 characters at most. */
  readonly serial: string;
  /** What a request takes that no keeper is asked for. */
  readonly latency: Cycles;
  /** Who has the disk, if that is not the device. */
  readonly keeper: DiskKeeper | null;
}

/** Does for a device what its disk is asked for, and takes its time. */
export interface DiskKeeper {
  /** Gives the number by which the input `complete` tells that the request is done, or `fail` that it cannot be. None is used twice. */
  submit(request: DiskRequest): number;
  /** Nobody waits for it any more. */
  cancel(number: number): void;
}

/** A request on its way. */
interface Pending {
  readonly head: number;
  readonly request: Request;
  /** When it is done, or the number under which the disk's keeper has it. */
  readonly at: Cycles | null;
  readonly number: number | null;
}

export interface Block {
  pending: Pending[];
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

/** What a disk is asked for, by type. */
const KINDS: Readonly<Record<number, DiskRequest["kind"]>> = {
  [T_IN]: "read",
  [T_OUT]: "write",
  [T_FLUSH]: "flush",
  [T_DISCARD]: "discard",
  [T_WRITE_ZEROES]: "discard",
};

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

/** A request as it was when it came. */
interface Request {
  readonly type: number;
  /** What is told without doing anything, if it is not S_OK. */
  readonly status: number;
  readonly sector: number;
  readonly count: number;
  /** Bytes behind the header, and bytes to be written before the status. */
  readonly dataOut: number;
  readonly dataIn: number;
}

export function virtioBlock(options: BlockOptions): VirtioDevice<Block> {
  const { backend } = options;
  const features = [F_SIZE_MAX, F_SEG_MAX, F_BLK_SIZE, F_FLUSH];
  return {
    name: "virtio-blk",
    cites: "VIRTIO 1.2, Block Device",
    id: 2,
    classCode: 0x01_00_00,
    features: [...features, ...(backend.isReadOnly ? [F_RO] : [F_DISCARD, F_WRITE_ZEROES])],
    queueSizes: [QUEUE_SIZE],
    powerOn: () => ({ pending: [] }),
    reset: (device) => forget(device, options),
    configuration: () => configuration(backend),
    notify: (port, _queue, now) => takeAll(port, options, now),
    inputs: {
      cancel: (port) => forget(port.device, options),
      complete: (port, number) => finish(port, options, (one) => one.number === number),
      fail: (port, number) => finish(port, options, (one) => one.number === number, S_IOERR),
    },
    deadline: ({ pending }, now) => {
      const times = pending.flatMap(({ at }) => (at === null ? [] : [at]));
      return times.length === 0 ? null : Math.max(Math.min(...times), now + 1);
    },
    advance: (port, now) => finish(port, options, ({ at }) => at !== null && at <= now),
  };
}

/** What the driver asked for and has not got. */
function forget(device: Block, { keeper }: BlockOptions): void {
  for (const { number } of device.pending) if (number !== null) keeper?.cancel(number);
  device.pending = [];
}

function takeAll(port: Port, options: BlockOptions, now: Cycles): void {
  for (;;) {
    const head = port.takeHead(0);
    if (head === null) return;
    // More on their way than the queue has descriptors: some head came twice.
    if (port.device.pending.length >= port.sizeOf(0)) return port.fail();
    const chain = port.chainOf(0, head);
    const request = chain === null ? null : lookAt(port, chain, options.backend);
    if (request === null) return;
    const asked = askedOf(port, request);
    const number = asked === null ? null : (options.keeper?.submit(asked) ?? null);
    const at = number === null ? now + options.latency : null;
    port.device.pending.push({ head, request, at, number });
  }
}

/** What a disk has to do for a request; null for nothing. */
function askedOf(port: Port, { type, status, sector, count }: Request): DiskRequest | null {
  const kind = KINDS[type];
  if (status !== S_OK || kind === undefined) return null;
  // "If VIRTIO_BLK_F_FLUSH is not negotiated, writes are stable when they are completed."
  const isForced = kind === "write" && !port.has(F_FLUSH);
  return { kind, sector, bytes: SECTOR * count, isForced };
}

/** In the order in which they came. */
function finish(
  port: Port,
  options: BlockOptions,
  isDone: (one: Pending) => boolean,
  status?: typeof S_IOERR,
): void {
  const { pending } = port.device;
  const done = pending.filter(isDone);
  if (done.length === 0) return;
  port.device.pending = pending.filter((one) => !isDone(one));
  for (const { head, request } of done) {
    const chain = port.chainOf(0, head);
    if (chain !== null)
      serve(port, chain, { ...request, status: status ?? request.status }, options);
  }
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

/** The header is the first that can be read, the status the last byte that can be written. Null when the device breaks. */
function lookAt(port: Port, chain: Chain, backend: BlockBackend): Request | null {
  const { dataIn, dataOut } = sizesOf(chain);
  if (dataIn < 0) {
    port.fail();
    return null;
  }
  const header = port.read(chain, 0, HEADER_BYTES);
  if (header === null) return null;
  const view = new DataView(header.buffer);
  const type = view.getUint32(0, true);
  const sector = wideAt(view, 8);
  const of = (status: number, bytes: number): Request => ({
    type,
    status,
    sector,
    count: status === S_OK ? bytes / SECTOR : 0,
    dataOut,
    dataIn,
  });
  switch (type) {
    case T_IN:
      return of(isRange(backend, sector, dataIn) ? S_OK : S_IOERR, dataIn);
    case T_OUT: {
      const isGood = !backend.isReadOnly && isRange(backend, sector, dataOut);
      return of(isGood ? S_OK : S_IOERR, dataOut);
    }
    case T_FLUSH:
      return { ...of(S_OK, 0), sector: 0 };
    case T_GET_ID:
      return of(dataIn < ID_BYTES ? S_IOERR : S_OK, 0);
    case T_DISCARD:
    case T_WRITE_ZEROES:
      return lookAtRange(port, chain, of(S_UNSUPP, 0), backend);
    default:
      return of(S_UNSUPP, 0);
  }
}

/** "Device Operation": one range, with no flag but unmap. */
function lookAtRange(
  port: Port,
  chain: Chain,
  refused: Request,
  backend: BlockBackend,
): Request | null {
  const { type, dataOut } = refused;
  const feature = type === T_DISCARD ? F_DISCARD : F_WRITE_ZEROES;
  if (backend.isReadOnly || !port.has(feature)) return refused;
  if (dataOut !== RANGE_BYTES) return { ...refused, status: S_IOERR };
  const range = port.read(chain, HEADER_BYTES, RANGE_BYTES);
  if (range === null) return null;
  const view = new DataView(range.buffer);
  const sector = wideAt(view, 0);
  const count = view.getUint32(8, true);
  const flags = view.getUint32(12, true);
  if (flags > 1 || (flags === 1 && type === T_DISCARD)) return refused;
  if (count > RANGE_SECTORS_MAX || sector + count > backend.sectors)
    return { ...refused, status: S_IOERR };
  return { ...refused, status: S_OK, sector, count };
}

const wideAt = (view: DataView, at: number): number =>
  view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

const sizesOf = ({ readable, writable }: Chain): { dataIn: number; dataOut: number } => ({
  dataIn: totalBytes(writable) - 1,
  dataOut: totalBytes(readable) - HEADER_BYTES,
});

/** A chain that has changed its sizes since it came breaks the rules: nobody has checked or counted those. */
function serve(port: Port, chain: Chain, request: Request, options: BlockOptions): void {
  const { dataIn, dataOut } = sizesOf(chain);
  if (dataIn !== request.dataIn || dataOut !== request.dataOut) return port.fail();
  const written = request.status === S_OK ? perform(port, chain, request, options) : 0;
  if (written === null || !port.write(chain, dataIn, Uint8Array.of(request.status))) return;
  // Used bytes count from the first on, so a status behind bytes that were not written counts nothing.
  port.give(0, chain, written === dataIn ? dataIn + 1 : written);
}

/** How many bytes it wrote before the status; null when memory is not there. */
function perform(
  port: Port,
  chain: Chain,
  { type, sector, count, dataOut, dataIn }: Request,
  { backend, serial }: BlockOptions,
): number | null {
  switch (type) {
    case T_IN:
      return port.write(chain, 0, backend.read(sector, count)) ? dataIn : null;
    case T_OUT: {
      const bytes = port.read(chain, HEADER_BYTES, dataOut);
      if (bytes === null) return null;
      backend.write(sector, bytes);
      if (!port.has(F_FLUSH)) backend.flush();
      return 0;
    }
    case T_FLUSH:
      backend.flush();
      return 0;
    case T_GET_ID: {
      const id = Uint8Array.from({ length: ID_BYTES }, (_, i) => charCode(serial, i));
      return port.write(chain, 0, id) ? ID_BYTES : null;
    }
    default:
      // Discarded sectors read as zeros here.
      backend.zero(sector, count);
      return 0;
  }
}

/** Whole sectors that are there, and no more than the configuration allows. */
const isRange = ({ sectors }: BlockBackend, sector: number, bytes: number): boolean =>
  bytes >= 0 &&
  bytes % SECTOR === 0 &&
  bytes <= SEGMENTS_MAX * SEGMENT_BYTES_MAX &&
  sector + bytes / SECTOR <= sectors;

const charCode = (text: string, index: number): number =>
  index < text.length ? text.charCodeAt(index) & 0x7f : 0;
