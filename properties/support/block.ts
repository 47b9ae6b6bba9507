/** A driver of virtio's block device, and what it asks for. */

import fc from "fast-check";
import { DiskImage } from "../../src/hw/chips/disk-image.ts";
import { type Block, type DiskKeeper, virtioBlock } from "../../src/hw/chips/virtio/block.ts";
import { Hasher } from "../../src/sim/hash.ts";
import {
  connect,
  DriverQueue,
  initialize,
  type QueueAreas,
  type Segment,
  TestRam,
  type Transport,
  type TransportName,
} from "./virtio.ts";

export const SECTORS = 24;
export const LATENCY = 1000;
export const INDIRECT = 2 ** 28;
export const EVENT_IDX = 2 ** 29;
export const DISCARD_AND_ZEROES = 2 ** 13 + 2 ** 14;

export interface Request {
  readonly type: number;
  readonly sector: number;
  readonly count: number;
  /** What a write writes. */
  readonly tag: number;
  /** Where the request's bytes are cut into segments. */
  readonly cuts: readonly number[];
  readonly isIndirect: boolean;
}

export const FLUSH: Request = { type: 4, sector: 0, count: 0, tag: 0, cuts: [], isIndirect: false };

export interface Story {
  /** Requests that come and go before, so that the rings are anywhere. */
  readonly before: number;
  readonly batches: readonly (readonly Request[])[];
}

export function anyStory(): fc.Arbitrary<Story> {
  const request: fc.Arbitrary<Request> = fc.record({
    type: fc.constantFrom(0, 0, 1, 1, 1, 4, 8, 11, 13, 7),
    sector: fc.nat(SECTORS + 1),
    count: fc.nat(5),
    tag: fc.integer({ min: 1, max: 255 }),
    cuts: fc.array(fc.nat(600), { maxLength: 3 }),
    isIndirect: fc.boolean(),
  });
  return fc.record({
    before: fc.nat(140),
    batches: fc.array(fc.array(request, { minLength: 1, maxLength: 6 }), {
      maxLength: 8,
      size: "max",
    }),
  });
}

/** A driver of a disk with a queue of 64 descriptors. */
export class BlockBench {
  readonly ram = new TestRam(0x4_0000);
  readonly areas: QueueAreas = { size: 64, descriptors: 0x1000, driver: 0x2000, device: 0x3000 };
  readonly disk = new DiskImage(new Uint8Array(SECTORS * 512));
  readonly transport: Transport<Block>;
  queue = new DriverQueue(this.ram, this.areas);
  readonly #name: TransportName;
  /** Where the next bytes go, and what is to be read of each request. */
  #next = 0x4000;
  #asked: { head: number; reads: Segment[]; status: number }[] = [];

  /** Without a keeper all requests take the latency. */
  constructor(name: TransportName, features: number, keeper: DiskKeeper | null = null) {
    this.#name = name;
    const backend = this.disk;
    const kind = virtioBlock({ backend, serial: "a serial number", latency: LATENCY, keeper });
    this.transport = connect(name, kind, this.ram);
    this.start(features);
  }

  start(features: number): void {
    this.#clear();
    if (this.transport.queueSizeMax(0) < 64) throw new Error("the queue is too small");
    if (!initialize(this.transport, [features, 1], [this.areas])) throw new Error("no agreement");
  }

  /** What only MMIO can: false elsewhere. */
  takeQueueAway(): boolean {
    if (this.#name !== "MMIO") return false;
    this.transport.hosted.write(0x30, 4, 0);
    this.transport.hosted.write(0x44, 4, 0);
    this.#clear();
    this.transport.setUpQueue(0, this.areas);
    return true;
  }

  /** Another device with the same state, memory and disk. */
  copy(): BlockBench {
    const other = new BlockBench(this.#name, 0);
    other.ram.bytes.set(this.ram.bytes);
    other.disk.load(this.disk.save());
    const { hosted } = other.transport;
    hosted.cell.value = structuredClone(this.transport.hosted.cell.value);
    hosted.now = this.transport.hosted.now;
    return other;
  }

  /** All that there is to see, but for the time. */
  look() {
    const { chip, wires } = this.transport.hosted.cell.value;
    const hasher = new Hasher();
    hasher.bytes(this.ram.bytes);
    hasher.bytes(this.disk.read(0, SECTORS));
    return { chip, wires, content: hasher.finish() };
  }

  add(request: Request, hasStatus = true): void {
    const { type, sector, count, tag, isIndirect } = request;
    const header = new Uint8Array(16);
    const view = new DataView(header.buffer);
    view.setUint32(0, type, true);
    // Only transfers name a sector here.
    view.setUint32(8, type <= 1 ? sector : 0, true);
    const range = new DataView(new ArrayBuffer(16));
    range.setUint32(0, sector, true);
    range.setUint32(8, count, true);
    const body =
      type === 1 ? content(tag, 512 * count) : type > 10 ? new Uint8Array(range.buffer) : [];
    const reads = type === 0 ? 512 * count : type === 8 ? 20 : 0;
    const out = this.#cut(Uint8Array.from([...header, ...body]), request.cuts, false);
    const back = this.#cut(new Uint8Array(reads + 1).fill(0xee), request.cuts, true);
    const table = isIndirect ? this.#take(16 * (out.length + back.length)) : null;
    const head = this.queue.add(hasStatus ? [...out, ...back] : out, table);
    this.#asked.push({ head, reads: back, status: reads });
  }

  /** Gives all that was added to the device, and waits for the answers, in the order of asking. */
  run(): string[] {
    this.offer();
    this.transport.pass(LATENCY - 1);
    if (this.queue.reap().length > 0) throw new Error("an answer came before the latency");
    this.transport.pass(1);
    return this.answers();
  }

  offer(): void {
    this.queue.publish();
    this.transport.notify(0);
  }

  /** The disk's keeper tells that a request is done, or cannot be. */
  complete(number: number, isDone = true): void {
    const { hosted } = this.transport;
    hosted.socket.input(isDone ? "complete" : "fail", number, hosted.now);
  }

  answers(): string[] {
    const used = new Map(this.queue.reap().map(({ head, length }) => [head, length]));
    const answers = this.#asked.map(({ head, reads, status }) => {
      const bytes = reads.flatMap(({ address, length }) => [
        ...this.ram.bytes.subarray(address, address + length),
      ]);
      const length = used.get(head);
      if (length === undefined) throw new Error(`no answer to ${head}`);
      const isRead = length > 1;
      const data = isRead ? bytes.slice(0, status) : bytes.slice(0, status).map(() => 0);
      return inWords(bytes[status] ?? -1, length, Uint8Array.from(data));
    });
    this.#asked = [];
    this.#next = 0x4000;
    return answers;
  }

  #clear(): void {
    this.queue = new DriverQueue(this.ram, this.areas);
    this.ram.bytes.fill(0, 0x1000, 0x4000);
    this.#asked = [];
  }

  /** Puts bytes into RAM in segments, of which some may be empty. */
  #cut(bytes: Uint8Array, cuts: readonly number[], isWritable: boolean): Segment[] {
    const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
      (a, b) => a - b,
    );
    let from = 0;
    return ends.map((end) => {
      const address = this.#take(end - from);
      this.ram.bytes.set(bytes.subarray(from, end), address);
      const segment = { address, length: end - from, isWritable };
      from = end;
      return segment;
    });
  }

  #take(size: number): number {
    const at = this.#next;
    this.#next += size + 3;
    return at;
  }
}

export const inWords = (status: number, length: number, bytes: Uint8Array): string =>
  `${status} ${length} ${bytes.join(" ")}`;

export const content = (tag: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (tag * (i + 1) + (i >> 8)) & 0xff);
