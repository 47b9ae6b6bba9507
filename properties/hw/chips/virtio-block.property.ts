/** Laws of virtio's block device under a driver that keeps the rules. */

import fc from "fast-check";
import type { DiskKeeper, DiskRequest } from "../../../src/hw/chips/virtio/block.ts";
import { firstDifference } from "../../../src/sim/data.ts";
import {
  inWords,
  anyStory,
  BlockBench,
  content,
  DISCARD_AND_ZEROES,
  EVENT_IDX,
  FLUSH,
  INDIRECT,
  LATENCY,
  type Request,
  SECTORS,
  type Story,
} from "../../support/block.ts";
import { law } from "../../support/law.ts";
import { initialize, type TransportName, TRANSPORTS } from "../../support/virtio.ts";

law("blocks-read-as-they-were-written", {
  says: "Whatever a driver that keeps the rules asks for, in any batches and any cuts, direct or indirect, every answer is that of a plain array of sectors, and is given after the latency.",
  cites: 'VIRTIO 1.2, "Block Device", "Split Virtqueues"',
  forAll: { transport: fc.constantFrom(...TRANSPORTS), story: anyStory() },
  runs: 200,
  holds: ({ transport, story }) => {
    const answers = follow(transport, story);
    const model = new Uint8Array(SECTORS * 512);
    const wanted = story.batches.flatMap((batch) =>
      batch.map((request) => perform(model, request)),
    );
    answers.forEach((answer, i) => {
      if (answer !== wanted[i]) throw new Error(`request ${i} gave ${answer}, not ${wanted[i]}`);
    });
    return answers.length === wanted.length;
  },
});

law("a-device-is-the-same-behind-every-transport", {
  says: "The same requests give the same answers, lengths, content and configuration over MMIO, PCI and PCI without MSI-X.",
  cites: 'VIRTIO 1.2, "Virtio Transport Options"',
  forAll: { story: anyStory() },
  runs: 60,
  holds: ({ story }) => {
    const [first, ...others] = TRANSPORTS.map((transport) => follow(transport, story).join("\n"));
    return others.every((other) => other === first);
  },
});

law("a-driver-is-told-as-it-asked", {
  says: "After a batch the driver is interrupted exactly when the used ring went past the index that it named, or, without event indices, when it has not asked for silence.",
  cites: 'VIRTIO 1.2, "Used Buffer Notification Suppression"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    hasEventIndex: fc.boolean(),
    batches: fc.array(
      fc.record({ count: fc.integer({ min: 1, max: 5 }), ahead: fc.nat(6), flags: fc.nat(1) }),
      {
        minLength: 1,
        maxLength: 12,
        size: "max",
      },
    ),
  },
  holds: ({ transport, hasEventIndex, batches }) => {
    const bench = new BlockBench(transport, hasEventIndex ? EVENT_IDX : 0);
    const { driver, size } = bench.areas;
    let used = 0;
    for (const { count, ahead, flags } of batches) {
      bench.ram.view.setUint16(driver, flags, true);
      bench.ram.view.setUint16(driver + 4 + 2 * size, (used + ahead) & 0xffff, true);
      for (let i = 0; i < count; i += 1) bench.add({ ...FLUSH, tag: i });
      bench.run();
      used += count;
      const isWanted = hasEventIndex ? ahead < count : flags === 0;
      const sources = bench.transport.takeInterrupts();
      if (sources.length > 0 !== isWanted || sources.some((source) => source !== 0))
        throw new Error(`told of ${sources.join()} after ${count} with ${ahead} ahead`);
      const next = bench.ram.view.getUint16(bench.areas.device + 4 + 8 * size, true);
      if (hasEventIndex && next !== used) throw new Error(`asks to hear of ${next}, not ${used}`);
    }
  },
});

law("a-disk-in-the-middle-of-its-work-can-be-copied", {
  says: "A device, its memory and its disk that were copied while requests were on their way do the same as the original, whatever steps time takes.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    story: anyStory(),
    more: anyStory(),
    elapsed: fc.nat(LATENCY - 1),
    steps: fc.array(fc.nat(LATENCY), { maxLength: 4 }),
  },
  runs: 60,
  holds: ({ transport, story, more, elapsed, steps }) => {
    const original = new BlockBench(transport, INDIRECT + DISCARD_AND_ZEROES);
    for (const batch of story.batches) {
      for (const request of batch) original.add(request);
      original.run();
    }
    for (const request of more.batches[0] ?? []) original.add(request);
    original.queue.publish();
    original.transport.notify(0);
    original.transport.pass(elapsed);
    const copy = original.copy();
    original.transport.pass(2 * LATENCY);
    for (const step of steps) copy.transport.pass(step);
    copy.transport.pass(2 * LATENCY);
    const difference = firstDifference(original.look(), copy.look());
    if (difference !== null) throw new Error(`${difference.path} differs`);
  },
});

law("a-write-without-room-for-its-status-writes-nothing", {
  says: "A write request that names no byte for its status breaks the device before it touches the disk.",
  cites: 'VIRTIO 1.2, "Block Device": "Device Operation"',
  forAll: { transport: fc.constantFrom(...TRANSPORTS), count: fc.integer({ min: 1, max: 4 }) },
  holds: ({ transport, count }) => {
    const bench = new BlockBench(transport, 0);
    bench.add({ ...FLUSH, type: 1, count, tag: 7 }, false);
    bench.queue.publish();
    bench.transport.notify(0);
    bench.transport.pass(2 * LATENCY);
    const isUntouched = bench.disk.read(0, SECTORS).every((byte) => byte === 0);
    return isUntouched && (bench.transport.status() & 64) !== 0;
  },
});

law("only-what-was-offered-is-agreed", {
  says: "FEATURES_OK stays exactly when the driver accepts version 1 and nothing that was not offered.",
  cites: 'VIRTIO 1.2, "Feature Bits"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    kept: fc.nat(0xffff_ffff),
    more: fc.option(fc.nat(63), { nil: null }),
    hasVersion: fc.boolean(),
  },
  holds: ({ transport, kept, more, hasVersion }) => {
    const bench = new BlockBench(transport, 0);
    const [low, high] = bench.transport.features();
    const wanted: [number, number] = [(low & kept) >>> 0, hasVersion ? 1 : 0];
    if (more !== null) wanted[more >> 5] = ((wanted[more >> 5] ?? 0) | (1 << (more & 31))) >>> 0;
    const isGood = high === 1 && wanted[1] === 1 && (wanted[0] & ~low) === 0;
    return initialize(bench.transport, wanted, []) === isGood;
  },
});

law("a-reset-forgets-what-is-on-its-way", {
  says: "A driver that resets the device, or takes its queue away and sets it up anew, gets nothing of what it asked before, and the device then works as a new one.",
  cites: 'VIRTIO 1.2, "Device Reset", "Virtio Over MMIO": QueueReady',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    count: fc.integer({ min: 1, max: 8 }),
    isQueueOnly: fc.boolean(),
  },
  holds: ({ transport, count, isQueueOnly }) => {
    const bench = new BlockBench(transport, 0);
    for (let i = 0; i < count; i += 1) bench.add(FLUSH);
    if (isQueueOnly) {
      bench.run();
      bench.transport.takeInterrupts();
      if (!bench.takeQueueAway()) return true;
    } else {
      bench.queue.publish();
      bench.transport.notify(0);
      bench.start(0);
    }
    bench.transport.pass(10 * LATENCY);
    if (bench.queue.reap().length > 0 || bench.transport.takeInterrupts().length > 0) return false;
    bench.add(FLUSH);
    return bench.run().length === 1 && bench.transport.takeInterrupts().join() === "0";
  },
});

law("a-disk-that-answers-later-answers-alike", {
  says: "Requests that the disk's keeper completes in any order are answered as if they had been done in that order; one that it cannot do is an I/O error, and changes nothing; it is asked for exactly those that a disk can do; each is answered once, and a number that it does not have changes nothing.",
  cites: 'VIRTIO 1.2, "Block Device": "Device Operation"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    story: anyStory(),
    order: fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 }),
    fails: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    hasFlush: fc.boolean(),
  },
  runs: 150,
  holds: ({ transport, story, order, fails, hasFlush }) => {
    const keeper = new Keeper();
    const flush = hasFlush ? FLUSH_FEATURE : 0;
    const bench = new BlockBench(transport, DISCARD_AND_ZEROES + INDIRECT + flush, keeper);
    const model = new Uint8Array(SECTORS * 512);
    for (const batch of story.batches) {
      for (const request of batch) bench.add(request);
      bench.offer();
      const asked = batch.flatMap((request, i) => (isForDisk(request) ? [i] : []));
      keeper.check(
        asked.map((i) => batch[i] as Request),
        hasFlush,
      );
      bench.transport.pass(2 * LATENCY);
      const numbers = keeper.waiting.splice(0);
      const places = [...asked.keys()].sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0));
      const wanted = batch.map((request) => (isForDisk(request) ? "" : perform(model, request)));
      for (const place of places) {
        const which = asked[place] ?? 0;
        const request = batch[which] as Request;
        const isDone = fails[place] !== true;
        wanted[which] = isDone ? perform(model, request) : failed(request);
        bench.complete(numbers[place] ?? 0, isDone);
        bench.complete(numbers[place] ?? 0);
        bench.complete(-2);
      }
      if (bench.answers().join("\n") !== wanted.join("\n")) throw new Error("another answer");
    }
  },
});

law("nothing-is-done-after-a-reset", {
  says: "A reset takes back all that the disk's keeper was asked for, and what it completes after the driver has reset the device changes neither memory nor disk, whatever the device was asked for since.",
  cites: 'VIRTIO 1.2, "Device Reset"',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    story: anyStory(),
    isAsked: fc.boolean(),
  },
  holds: ({ transport, story, isAsked }) => {
    const keeper = new Keeper();
    const bench = new BlockBench(transport, DISCARD_AND_ZEROES, keeper);
    for (const request of story.batches[0] ?? []) bench.add(request);
    bench.offer();
    bench.transport.setStatus(0);
    const old = keeper.waiting.splice(0);
    if (old.join() !== keeper.cancelled.join()) throw new Error("it is not told of all");
    if (isAsked) {
      bench.start(0);
      bench.add({ ...FLUSH, type: 1, count: 1, tag: 9 });
      bench.offer();
    }
    const before = bench.look();
    bench.ram.onWrite = () => {
      throw new Error("memory is written");
    };
    for (const number of old) bench.complete(number);
    return firstDifference(before, bench.look()) === null;
  },
});

law("a-chain-that-changes-breaks-the-device", {
  says: "A driver that makes a request longer or shorter after it was counted gets no more than what was counted: the device needs a reset, and nothing is read or written.",
  cites: 'VIRTIO 1.2, "The Virtqueue Descriptor Table"; QEMU, docs/throttle.txt',
  forAll: {
    transport: fc.constantFrom(...TRANSPORTS),
    type: fc.nat(1),
    count: fc.integer({ min: 1, max: 4 }),
    other: fc.integer({ min: 1, max: 4 }),
  },
  holds: ({ transport, type, count, other }) => {
    const keeper = new Keeper();
    const bench = new BlockBench(transport, 0, keeper);
    bench.add({ ...FLUSH, type, count, tag: 5 });
    bench.offer();
    const { view } = bench.ram;
    // The second descriptor of a read, the first of a write, carries the data.
    const data = bench.areas.descriptors + 16 * (type === 0 ? 1 : 0) + 8;
    view.setUint32(data, view.getUint32(data, true) + 512 * (other - count), true);
    bench.complete(keeper.waiting[0] ?? 0);
    const isBroken = (bench.transport.status() & 64) !== 0;
    const isWritten = bench.disk.read(0, SECTORS).some((byte) => byte !== 0);
    return other === count ? !isBroken && isWritten === (type === 1) : isBroken && !isWritten;
  },
});

// Helpers

const FLUSH_FEATURE = 2 ** 9;

/** Keeps the numbers of what it was asked for. */
class Keeper implements DiskKeeper {
  readonly waiting: number[] = [];
  readonly cancelled: number[] = [];
  #asked: DiskRequest[] = [];
  #number = 0;

  submit(request: DiskRequest): number {
    this.#asked.push(request);
    this.#number += 7;
    this.waiting.push(this.#number);
    return this.#number;
  }

  cancel(number: number): void {
    this.cancelled.push(number);
  }

  /** It was asked for just these. */
  check(wanted: readonly Request[], hasFlush: boolean): void {
    const kinds = { 0: "read", 1: "write", 4: "flush" };
    const texts = wanted.map(({ type, sector, count }) => {
      const kind = type in kinds ? kinds[type as 0] : "discard";
      const range = type === 4 ? "0 0" : `${sector} ${512 * count}`;
      return `${kind} ${range} ${type === 1 && !hasFlush}`;
    });
    const asked = this.#asked.map(
      ({ kind, sector, bytes, isForced }) => `${kind} ${sector} ${bytes} ${isForced}`,
    );
    this.#asked = [];
    if (asked.join() !== texts.join())
      throw new Error(`asked for ${asked.join()}, not ${texts.join()}`);
  }
}

/** Transfers and ranges that are there, and flushes. */
const isForDisk = ({ type, sector, count }: Request): boolean =>
  type === 4 || ([0, 1, 11, 13].includes(type) && sector + count <= SECTORS);

/** What a request gives by the specification: status, length used, and what was read. */
function perform(disk: Uint8Array, request: Request): string {
  const { type, sector, count, tag } = request;
  const size = 512 * count;
  const from = 512 * sector;
  const isThere = from + size <= disk.length;
  if (type === 0) {
    if (!isThere) return failed(request);
    return inWords(0, size + 1, disk.slice(from, from + size));
  }
  if (type === 8) {
    const id = new Uint8Array(20);
    "a serial number".split("").forEach((letter, i) => (id[i] = letter.charCodeAt(0)));
    return inWords(0, 21, id);
  }
  if (type === 7) return inWords(2, 1, new Uint8Array(0));
  if (type !== 4 && !isThere) return inWords(1, 1, new Uint8Array(0));
  if (type !== 4) disk.fill(0, from, from + size);
  if (type === 1) content(tag, size).forEach((byte, i) => (disk[from + i] = byte));
  return inWords(0, 1, new Uint8Array(0));
}

/** VIRTIO_BLK_S_IOERR, and nothing of what was to be read. */
function failed({ type, count }: Request): string {
  const size = type === 0 ? 512 * count : 0;
  return inWords(1, size === 0 ? 1 : 0, new Uint8Array(size));
}

/** All answers in the order of the requests. */
function follow(name: TransportName, { before, batches }: Story): string[] {
  const bench = new BlockBench(name, INDIRECT + DISCARD_AND_ZEROES);
  for (let i = 0; i < before; i += 10) {
    for (let k = i; k < Math.min(i + 10, before); k += 1) bench.add(FLUSH);
    bench.run();
  }
  bench.transport.takeInterrupts();
  return batches.flatMap((batch) => {
    for (const request of batch) bench.add(request);
    const answers = bench.run();
    const [source, ...rest] = bench.transport.takeInterrupts();
    if (source !== 0 || rest.length > 0) throw new Error(`told of ${source} and ${rest.join()}`);
    return answers;
  });
}
