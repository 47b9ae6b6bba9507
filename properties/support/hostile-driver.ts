/** A driver that keeps no rule, and what it allows a device to write: found in memory without the device's own walk. */

import fc from "fast-check";
import type { VirtioDevice, VirtioState } from "../../src/hw/chips/virtio/device.ts";
import { virtioBalloon } from "../../src/hw/chips/virtio/balloon.ts";
import { virtioBlock } from "../../src/hw/chips/virtio/block.ts";
import { virtioConsole } from "../../src/hw/chips/virtio/console.ts";
import { virtioEntropy } from "../../src/hw/chips/virtio/entropy.ts";
import { receiveFrame, virtioNetwork } from "../../src/hw/chips/virtio/network.ts";
import { DiskImage } from "../../src/hw/chips/disk-image.ts";
import { connect, type QueueAreas, TestRam, type Transport, type TransportName } from "./virtio.ts";

/** What the world outside does to a device. */
type Outside = (transport: Transport<never>, value: number) => void;

interface Victim {
  readonly kind: VirtioDevice<never>;
  readonly outside: Outside;
}

const input =
  (name: string): Outside =>
  ({ hosted }, value) => {
    hosted.socket.input(name, value, hosted.now);
  };

/** Each kind of device, new. */
export const VICTIMS: Readonly<Record<string, () => Victim>> = {
  block: () => ({
    kind: virtioBlock({
      backend: new DiskImage(new Uint8Array(0x4000)),
      serial: "x",
      latency: 50,
      keeper: null,
    }) as unknown as VirtioDevice<never>,
    outside: () => {},
  }),
  "block whose disk is elsewhere": () => {
    const waiting: number[] = [];
    let asked = 0;
    return {
      kind: virtioBlock({
        backend: new DiskImage(new Uint8Array(0x4000)),
        serial: "x",
        latency: 50,
        keeper: {
          submit: () => {
            asked += 1;
            waiting.push(asked);
            return asked;
          },
          cancel: (number) => {
            waiting.splice(waiting.indexOf(number), 1);
          },
        },
      }) as unknown as VirtioDevice<never>,
      outside: ({ hosted }, value) => {
        const [number = 0] = waiting.splice(value % Math.max(1, waiting.length), 1);
        hosted.socket.input("complete", number, hosted.now);
      },
    };
  },
  network: () => ({
    kind: virtioNetwork({
      mac: [2, 0, 0, 0, 0, 1],
      transmit: () => {},
    }) as unknown as VirtioDevice<never>,
    outside: (transport, value) =>
      transport.act((port) => receiveFrame(port, new Uint8Array(14 + (value % 1600)))),
  }),
  console: () => ({
    kind: virtioConsole({
      columns: 80,
      rows: 25,
      transmit: () => {},
    }) as unknown as VirtioDevice<never>,
    outside: input("rx"),
  }),
  entropy: () => ({
    kind: virtioEntropy((size) =>
      new Uint8Array(size).fill(0xa5),
    ) as unknown as VirtioDevice<never>,
    outside: () => {},
  }),
  balloon: () => ({
    kind: virtioBalloon({
      inflated: () => {},
      deflated: () => {},
    }) as unknown as VirtioDevice<never>,
    outside: input("wanted"),
  }),
};

const RAM_BYTES = 0x1_0000;
const SIZE = 8;
const QUEUES = 3;
const area = (queue: number): QueueAreas => ({
  size: SIZE,
  descriptors: 0x1000 + 0x400 * queue,
  driver: 0x2000 + 0x400 * queue,
  device: 0x3000 + 0x400 * queue,
});
export const TABLES = 0x4000;
export const DATA = 0x6000;

export interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

export type Mischief =
  | {
      readonly kind: "describe";
      readonly queue: number;
      readonly at: number;
      readonly descriptor: Descriptor;
    }
  | { readonly kind: "table"; readonly at: number; readonly descriptor: Descriptor }
  | { readonly kind: "offer"; readonly queue: number; readonly head: number }
  | { readonly kind: "jump"; readonly queue: number; readonly value: number }
  | {
      readonly kind: "notify" | "outside" | "pass" | "register";
      readonly value: number;
      readonly at: number;
    }
  | {
      readonly kind: "begin";
      readonly features: number;
      readonly queue: number;
      readonly strays: readonly number[];
    };

export const anyMischief = (): fc.Arbitrary<Mischief[]> =>
  fc.array(anyStep(), { minLength: 5, maxLength: 60, size: "max" });

function anyStep(): fc.Arbitrary<Mischief> {
  const queue = fc.nat(QUEUES - 1);
  const head = fc.oneof({ weight: 8, arbitrary: fc.nat(SIZE - 1) }, fc.nat(0xffff));
  const descriptor = fc.record({
    address: fc.oneof(
      { weight: 8, arbitrary: fc.nat(RAM_BYTES - DATA - 1).map((at) => DATA + at) },
      { weight: 4, arbitrary: fc.nat(0x1ff).map((at) => TABLES + 16 * at) },
      { weight: 2, arbitrary: fc.nat(RAM_BYTES - 1) },
      fc.constantFrom(RAM_BYTES - 1, 0xe000_0000, 2 ** 40, 2 ** 64 - 4096),
    ),
    length: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(0, 1, 16, 17, 32, 64, 512, 513, 1024, 2048) },
      fc.constantFrom(0xffff_ffff, 0x8000_0000, RAM_BYTES),
    ),
    flags: fc.oneof({ weight: 6, arbitrary: fc.nat(7) }, fc.constantFrom(1, 3), fc.nat(0xffff)),
    next: head,
  });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("describe" as const),
        queue,
        at: fc.nat(SIZE - 1),
        descriptor,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("table" as const), at: fc.nat(0x1f), descriptor }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("offer" as const), queue, head }) },
    fc.record({ kind: fc.constant("jump" as const), queue, value: fc.nat(0xffff) }),
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          "notify" as const,
          "notify" as const,
          "outside" as const,
          "pass" as const,
        ),
        value: fc.nat(2000),
        at: fc.nat(QUEUES),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("register" as const),
        value: fc.oneof(fc.nat(15), fc.nat(0xffff_ffff)),
        at: fc.nat(0x48),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("begin" as const),
        features: fc.constantFrom(0, 2 ** 28, 2 ** 29, 2 ** 28 + 2 ** 29, 2 ** 28 + 2 ** 15),
        queue,
        strays: fc.array(fc.constantFrom(RAM_BYTES - 8, 2 ** 33, 2 ** 63, 0xe000_1000), {
          maxLength: 1,
        }),
      }),
    },
  );
}

/** Does all of it, and throws when the device writes what it may not, or says that it wrote more than it could. */
export class HostileDriver {
  readonly ram = new TestRam(RAM_BYTES);
  readonly victim: Victim;
  readonly transport: Transport<never>;
  /** Writes of the device, for those who want to know that there were any. */
  writes = 0;
  /** The most that descriptors let be written before the device wrote in this step. */
  #roomBefore = 0;

  constructor(victim: string, transport: TransportName) {
    const make = VICTIMS[victim];
    if (make === undefined) throw new Error(`there is no ${victim}`);
    this.victim = make();
    this.transport = connect<never>(transport, this.victim.kind, this.ram);
    this.ram.onWrite = (address, bytes) => this.#check(address, bytes);
    // Headers of a block device, of all kinds.
    for (let at = DATA; at < RAM_BYTES; at += 32) this.ram.bytes.set([(at >> 5) % 14, 0, 0, 0], at);
    this.run([{ kind: "begin", features: 2 ** 28, queue: 0, strays: [] }]);
  }

  run(steps: readonly Mischief[]): this {
    for (const step of steps) {
      this.#roomBefore = 0;
      this.#do(step);
    }
    return this;
  }

  #do(step: Mischief): void {
    const { view } = this.ram;
    switch (step.kind) {
      case "describe":
        this.#describe(area(step.queue).descriptors + 16 * step.at, step.descriptor);
        return;
      case "table":
        this.#describe(TABLES + 16 * step.at, step.descriptor);
        return;
      case "offer": {
        const { driver } = area(step.queue);
        const index = view.getUint16(driver + 2, true);
        view.setUint16(driver + 4 + 2 * (index % SIZE), step.head, true);
        view.setUint16(driver + 2, index + 1, true);
        return;
      }
      case "jump":
        view.setUint16(area(step.queue).driver + 2, step.value, true);
        return;
      case "begin":
        this.#begin(step.features, step.queue, step.strays);
        return;
      default:
        this.#act(step);
    }
  }

  #act({
    kind,
    value,
    at,
  }: Extract<Mischief, { kind: "notify" | "outside" | "pass" | "register" }>): void {
    if (kind === "notify") this.transport.notify(at);
    else if (kind === "outside") this.victim.outside(this.transport, value);
    else if (kind === "pass") this.transport.pass(value);
    else this.transport.hosted.write(4 * at, 4, value);
  }

  #begin(features: number, queue: number, strays: readonly number[]): void {
    const { transport } = this;
    transport.setStatus(0);
    const [low] = transport.features();
    transport.setStatus(3);
    transport.accept([(features & low) >>> 0, 1]);
    transport.setStatus(11);
    for (const [index] of this.victim.kind.queueSizes.entries()) {
      const usual = area(index);
      this.ram.bytes.fill(0, usual.driver, usual.driver + 0x100);
      this.ram.bytes.fill(0, usual.device, usual.device + 0x100);
      const [stray] = strays;
      const name = ["descriptors", "driver", "device"][(stray ?? 0) % 3] as string;
      transport.setUpQueue(
        index,
        stray === undefined || index !== queue ? usual : { ...usual, [name]: stray },
      );
    }
    transport.setStatus(15);
  }

  #describe(at: number, { address, length, flags, next }: Descriptor): void {
    const { view } = this.ram;
    view.setBigUint64(at, BigInt(address), true);
    view.setUint32(at + 8, length, true);
    view.setUint16(at + 12, flags, true);
    view.setUint16(at + 14, next, true);
  }

  /** What the registers say of the queues: random writes there may have moved them. */
  #queues(): QueueAreas[] {
    const state = this.transport.hosted.state as VirtioState<object>;
    const { queues } = (state as unknown as { virtio?: VirtioState<object> }).virtio ?? state;
    const address = ([low, high]: readonly [number, number]): number => high * 2 ** 32 + low;
    return queues.map(({ size, descriptors, driver, device }) => ({
      size,
      descriptors: address(descriptors),
      driver: address(driver),
      device: address(device),
    }));
  }

  /** Either it is within a used ring, or within one writable descriptor. */
  #check(address: number, bytes: Uint8Array): void {
    this.writes += 1;
    const size = bytes.length;
    const queues = this.#queues();
    for (const areas of queues) {
      const end = areas.device + 4 + 8 * areas.size + 2;
      if (address >= areas.device && address + size <= end)
        return this.#checkUsed(areas, address, bytes);
    }
    const inside = queues.some(({ descriptors, size: entries }) =>
      this.#tableExtents(descriptors, entries, true).some(
        (extent) => address >= extent.address && address + size <= extent.address + extent.length,
      ),
    );
    if (!inside && size > 0) throw new Error(`${size} bytes written at ${address.toString(16)}`);
    // What is written may be the table itself.
    for (const { descriptors, size: entries } of queues)
      this.#roomBefore = Math.max(this.#roomBefore, this.#roomIn(descriptors, entries));
  }

  #roomIn(descriptors: number, entries: number): number {
    return this.#tableExtents(descriptors, entries, true).reduce(
      (sum, { length }) => sum + length,
      0,
    );
  }

  /** No more is said to be written than all writable descriptors that the head can lead to hold. */
  #checkUsed({ device, descriptors, size }: QueueAreas, address: number, bytes: Uint8Array): void {
    if (bytes.length !== 8 || address < device + 4) return;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
    const room = Math.max(this.#roomBefore, this.#roomIn(descriptors, size));
    if (length > room) throw new Error(`${length} bytes used where there is room for ${room}`);
  }

  /** What a table's descriptors, and those of the tables that they name, let be written. */
  #tableExtents(
    at: number,
    entries: number,
    follow: boolean,
  ): { address: number; length: number }[] {
    const { view } = this.ram;
    const found: { address: number; length: number }[] = [];
    for (let i = 0; i < entries && at + 16 * i + 16 <= RAM_BYTES; i += 1) {
      const place = at + 16 * i;
      const address = Number(view.getBigUint64(place, true));
      const length = view.getUint32(place + 8, true);
      const flags = view.getUint16(place + 12, true);
      if ((flags & 4) !== 0 && follow && length % 16 === 0)
        found.push(...this.#tableExtents(address, length / 16, false));
      else if ((flags & 2) !== 0) found.push({ address, length });
    }
    return found;
  }
}
