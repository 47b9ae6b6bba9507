/** Guests whose vCPUs never run, and drivers that do to their disks what a kernel does: registers and memory alone. */

import { boardOf, decoder, machine } from "../../src/api/machines.ts";
import { ENDED } from "../../src/hw/boards/lifecycle.ts";
import { DiskImage } from "../../src/hw/chips/disk-image.ts";
import { INTEL } from "../../src/hw/cpu/cpuid/profile.ts";
import { Kvm } from "../../src/kvm/module.ts";
import { BlockDevice } from "../../src/linux/block/block-device.ts";
import { CachedDisk } from "../../src/linux/block/cached-disk.ts";
import { storeImage } from "../../src/linux/block/stored-image.ts";
import { storageOf } from "../../src/linux/block/parameters.ts";
import { type GroupFiles, makeGroup, writeFile } from "../../src/linux/cgroups/administration.ts";
import { Host } from "../../src/linux/host.ts";
import { throttlingOf } from "../../src/qemu/disks.ts";
import { QemuMachine } from "../../src/qemu/machine.ts";
import type { Blueprint } from "../../src/sim/blueprint.ts";
import type { Json } from "../../src/sim/data.ts";
import type { FaultPlan } from "../../src/sim/faults.ts";
import { World } from "../../src/sim/world.ts";
import { DriverQueue, type Segment, TestRam } from "./virtio.ts";

export const GUESTS = 2;
export const DISKS = 2;
export const DISK_SECTORS = 256;

export interface HostText {
  readonly storage: Json;
  /** By guest, what is written to the files of its control group. */
  readonly groups: readonly GroupFiles[];
  readonly throttling: Json;
  readonly faults: FaultPlan;
  /** Machines begin anew when they have lost power. */
  readonly reboots?: boolean;
}

interface Built {
  readonly machines: readonly QemuMachine[];
  readonly disks: readonly (readonly CachedDisk[])[];
}

/** A world with its drivers: one for each disk of each guest. */
export class HostDisks {
  readonly world: World;
  readonly disks: readonly (readonly CachedDisk[])[];
  readonly drivers: readonly Driver[];
  readonly ends: string[] = [];

  constructor(text: HostText) {
    const built: Built[] = [];
    const blueprint: Blueprint<null> = {
      name: "host disks",
      version: 1,
      parse: () => null,
      images: () => [],
      build: (world) => built.push(build(world, text)),
      start: () => undefined,
    };
    const images = Object.fromEntries(
      Array.from({ length: DISKS }, (_, i) => [`disk${i}`, new Uint8Array(512 * DISK_SECTORS)]),
    );
    const { faults } = text;
    this.world = World.create(blueprint, { config: null, images, faults, epochCycles: 0 });
    const [{ machines, disks }] = built as [Built];
    this.disks = disks;
    this.world.trace.attach({
      event: ({ type, fields }) => {
        if (type.name === ENDED.name) this.ends.push(String(fields["kind"]));
      },
    });
    this.drivers = machines.flatMap((one) => {
      one.powerUp();
      if (text.reboots === true) one.onReset = () => undefined;
      return Array.from({ length: DISKS }, (_, disk) => new Driver(one, disk));
    });
  }

  /** What is registered under these names. */
  stateOf(names: readonly string[]): readonly unknown[] {
    const { registry } = this.world.snapshot();
    return names.map((name) => registry.saved[registry.names.indexOf(name)]);
  }
}

/** The control group of a guest. */
export const groupPath = (guest: number): string => `/machine/m${guest}`;

function build(world: World, { storage, groups, throttling }: HostText): Built {
  const host = new Host(world, {
    profile: INTEL,
    decoder: decoder(),
    memoryBytes: (GUESTS * 17 + 8) << 20,
    cpus: 1,
    recordBytes: 1 << 16,
  });
  const kvm = new Kvm(host);
  const machines: QemuMachine[] = [];
  const sectors = GUESTS * DISKS * DISK_SECTORS;
  const parts = { disk: storageOf(storage, sectors, "storage"), io: host.io };
  const device = new BlockDevice(world, "disk", parts, () => {
    for (const one of machines) one.powerCut();
  });
  const disks = Array.from({ length: GUESTS }, (_, guest) =>
    Array.from({ length: DISKS }, (__, i) => {
      const disk = new CachedDisk(new DiskImage(world.image(`disk${i}`)));
      world.registry.keeper(`m${guest}.disk${i}.image`, disk);
      return disk;
    }),
  );
  disks.forEach((own, guest) => {
    const config = machine.parse({
      board: "microvm",
      boot: "multiboot",
      memoryBytes: 16 << 20,
      disks: DISKS,
    });
    const prefix = `m${guest}.`;
    const path = groupPath(guest);
    const group = makeGroup(host.cgroups, path);
    for (const [file, value] of Object.entries(groups[guest] ?? {}))
      writeFile(host.cgroups, path, file, value);
    machines.push(
      new QemuMachine({
        host,
        task: host.newTask(group),
        tap: null,
        prefix,
        board: boardOf(world, config, prefix, guest, own),
        profile: kvm.profile,
        cpus: 1,
        memoryBytes: config.memoryBytes,
        memMerge: false,
        disks: {
          device,
          images: own.map((disk, i) => storeImage(host.kernel, `${prefix}disk${i}`, disk)),
          throttling: throttlingOf(throttling, DISKS, "throttling"),
        },
      }),
    );
  });
  return { machines, disks };
}

export interface Asked {
  readonly type: 0 | 1 | 4;
  readonly sector: number;
  readonly count: number;
  readonly tag: number;
}

/** Each disk's queue and buffers have a part of the guest's memory of their own. */
const AREA = 0x10_0000;
const SIZE = 64;

export class Driver {
  readonly #machine: QemuMachine;
  readonly #part: string;
  readonly #base: number;
  readonly #ram = new TestRam(DISKS * AREA);
  #queue: DriverQueue;
  #next = 0;

  constructor(one: QemuMachine, disk: number) {
    this.#machine = one;
    this.#part = `disk${disk}`;
    this.#base = disk * AREA;
    this.#queue = this.#start();
  }

  /** Asks for something; what is read is told by `answers`. */
  ask({ type, sector, count, tag }: Asked): number {
    const bytes = 512 * count;
    const header = this.#take(16);
    this.#ram.view.setUint32(header.address, type, true);
    this.#ram.view.setUint32(header.address + 8, type === 4 ? 0 : sector, true);
    const data = this.#take(type === 4 ? 0 : bytes, type === 0);
    this.#ram.bytes.fill(tag, data.address, data.address + data.length);
    const status = this.#take(1, true);
    this.#ram.bytes[status.address] = 0xee;
    const head = this.#queue.add([header, ...(type === 4 ? [] : [data]), status]);
    this.#queue.publish();
    const area = this.#ram.bytes.subarray(this.#base, this.#base + AREA);
    this.#machine.ram.write(this.#base, area);
    this.#write(0x50, 0);
    return head;
  }

  get hasRoom(): boolean {
    return this.#queue.freeCount >= 3;
  }

  /** The heads of what was answered since. */
  answers(): readonly number[] {
    this.#ram.bytes.set(this.memory(), this.#base);
    return this.#queue.reap().map(({ head }) => head);
  }

  memory(): Uint8Array {
    return this.#machine.ram.read(this.#base, AREA) ?? new Uint8Array(0);
  }

  /** What was read into the buffers of a request, and its status. */
  outcome(head: number): { readonly data: Uint8Array; readonly status: number } {
    const { view, bytes } = this.#ram;
    const at = (index: number): number => this.#base + 0x1000 + 16 * index;
    const second = view.getUint16(at(head) + 14, true);
    const address = Number(view.getBigUint64(at(second), true));
    const length = view.getUint32(at(second) + 8, true);
    const isLast = (view.getUint16(at(second) + 12, true) & 1) === 0;
    const status = isLast ? address : address + length + 3;
    return { data: bytes.slice(address, address + length), status: bytes[status] ?? -1 };
  }

  /** A reset, and the queue anew. */
  restart(): void {
    this.#queue = this.#start();
  }

  #start(): DriverQueue {
    const base = this.#base;
    const areas = {
      size: SIZE,
      descriptors: base + 0x1000,
      driver: base + 0x2000,
      device: base + 0x3000,
    };
    this.#ram.bytes.fill(0, base, base + AREA);
    this.#machine.ram.write(base, new Uint8Array(AREA));
    this.#next = base + 0x4000;
    for (const [at, value] of [
      [0x70, 0],
      [0x70, 3],
      [0x24, 0],
      // VIRTIO_BLK_F_FLUSH, and version 1.
      [0x20, 2 ** 9],
      [0x24, 1],
      [0x20, 1],
      [0x70, 11],
      [0x30, 0],
      [0x38, SIZE],
      [0x80, areas.descriptors],
      [0x90, areas.driver],
      [0xa0, areas.device],
      [0x44, 1],
      [0x70, 15],
    ] as const)
      this.#write(at, value);
    return new DriverQueue(this.#ram, areas);
  }

  #take(length: number, isWritable = false): Segment {
    const address = this.#next;
    this.#next += length + 3;
    return { address, length, isWritable };
  }

  #write(at: number, value: number): void {
    this.#machine.chip(this.#part).write(at, 4, value);
  }
}
