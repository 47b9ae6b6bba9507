/** A driver of virtio devices over either transport, as a system would have one, and RAM that sees all that DMA does. */

import type { DmaMemory } from "../../src/hw/chips/dma.ts";
import { assignResources } from "../../src/hw/chips/pci/assign-resources.ts";
import type { PciBus } from "../../src/hw/chips/pci/bus.ts";
import type { VirtioDevice } from "../../src/hw/chips/virtio/device.ts";
import { type VirtioChip, virtioMmio } from "../../src/hw/chips/virtio/mmio.ts";
import { virtioPci } from "../../src/hw/chips/virtio/pci.ts";
import type { VirtioPort } from "../../src/hw/chips/virtio/port.ts";
import { busOf, HostedChip } from "./pci.ts";

/** RAM from address 0; nothing else answers. */
export class TestRam implements DmaMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Asked before each write of a device. */
  onWrite: (address: number, bytes: Uint8Array) => void = () => {};

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  read(address: number, size: number): Uint8Array | null {
    return this.#has(address, size) ? this.bytes.slice(address, address + size) : null;
  }

  write(address: number, bytes: Uint8Array): boolean {
    if (!this.#has(address, bytes.length)) return false;
    this.onWrite(address, bytes);
    this.bytes.set(bytes, address);
    return true;
  }

  #has(address: number, size: number): boolean {
    return address >= 0 && size >= 0 && address + size <= this.bytes.length;
  }
}

export type TransportName = "MMIO" | "PCI" | "PCI without MSI-X";
export const TRANSPORTS: readonly TransportName[] = ["MMIO", "PCI", "PCI without MSI-X"];

export interface QueueAreas {
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
}

/** What a driver does through registers. Interrupts are sources: queues, and -1 for the configuration. */
interface Registers {
  readonly hosted: HostedChip;
  features(): [number, number];
  accept(features: readonly [number, number]): void;
  status(): number;
  setStatus(bits: number): void;
  queueSizeMax(index: number): number;
  setUpQueue(index: number, areas: QueueAreas): void;
  notify(index: number): void;
  /** Those since the last call; without MSI-X one cannot tell which queue, so it is 0. */
  takeInterrupts(): readonly number[];
  configuration(offset: number): number;
  pass(cycles: number): void;
}

export interface Transport<Device extends object> extends Registers {
  act<Result>(act: (port: VirtioPort<Device>) => Result): Result;
}

/** A driver's view of a new device. */
export function connect<Device extends object>(
  name: TransportName,
  kind: VirtioDevice<Device>,
  memory: DmaMemory,
): Transport<Device> {
  return name === "MMIO"
    ? overMmio(virtioMmio(kind, memory))
    : overPci(virtioPci(kind, memory), kind.queueSizes.length, name === "PCI");
}

const ACKNOWLEDGE_AND_DRIVER = 3;
const FEATURES_OK = 8;
const DRIVER_OK = 4;

/** "Device Initialization": true when the device agrees. */
export function initialize(
  transport: Registers,
  features: readonly [number, number],
  queues: readonly QueueAreas[],
): boolean {
  transport.setStatus(0);
  transport.setStatus(ACKNOWLEDGE_AND_DRIVER);
  transport.accept(features);
  transport.setStatus(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK);
  if ((transport.status() & FEATURES_OK) === 0) return false;
  queues.forEach((areas, index) => transport.setUpQueue(index, areas));
  transport.setStatus(ACKNOWLEDGE_AND_DRIVER | FEATURES_OK | DRIVER_OK);
  return true;
}

export interface Segment {
  readonly address: number;
  readonly length: number;
  readonly isWritable: boolean;
}

/** What a well-behaved driver does with one queue. Its descriptors are taken in turn, none twice at a time. */
export class DriverQueue {
  readonly areas: QueueAreas;
  readonly #ram: TestRam;
  #available = 0;
  #seen = 0;
  #free: number[];
  readonly #chains = new Map<number, number[]>();

  constructor(ram: TestRam, areas: QueueAreas) {
    this.#ram = ram;
    this.areas = areas;
    this.#free = Array.from({ length: areas.size }, (_, i) => i);
  }

  get freeCount(): number {
    return this.#free.length;
  }

  /** The head that the chain has; `indirectAt` is where its table goes, if it has one. Not yet seen by the device. */
  add(segments: readonly Segment[], indirectAt: number | null = null): number {
    const taken = this.#free.splice(0, indirectAt === null ? segments.length : 1);
    const head = taken[0] as number;
    this.#chains.set(head, taken);
    const { descriptors, driver, size } = this.areas;
    if (indirectAt === null) {
      this.#write(descriptors, taken, segments);
    } else {
      this.#write(indirectAt, [...segments.keys()], segments);
      this.#describe(descriptors + 16 * head, indirectAt, 16 * segments.length, 4, 0);
    }
    this.#ram.view.setUint16(driver + 4 + 2 * (this.#available % size), head, true);
    this.#available = (this.#available + 1) & 0xffff;
    return head;
  }

  /** Shows the device all that was added. */
  publish(): void {
    this.#ram.view.setUint16(this.areas.driver + 2, this.#available, true);
  }

  /** What the device has given back since the last call. */
  reap(): { head: number; length: number }[] {
    const { device, size } = this.areas;
    const { view } = this.#ram;
    const found: { head: number; length: number }[] = [];
    while (this.#seen !== view.getUint16(device + 2, true)) {
      const at = device + 4 + 8 * (this.#seen % size);
      const head = view.getUint32(at, true);
      found.push({ head, length: view.getUint32(at + 4, true) });
      const freed = this.#chains.get(head);
      if (freed === undefined) throw new Error(`the device gave back ${head}, which it had not`);
      this.#chains.delete(head);
      this.#free.push(...freed);
      this.#seen = (this.#seen + 1) & 0xffff;
    }
    return found;
  }

  #write(table: number, places: readonly number[], segments: readonly Segment[]): void {
    segments.forEach(({ address, length, isWritable }, i) => {
      const next = places[i + 1];
      const flags = (next === undefined ? 0 : 1) | (isWritable ? 2 : 0);
      this.#describe(table + 16 * (places[i] as number), address, length, flags, next ?? 0);
    });
  }

  #describe(at: number, address: number, length: number, flags: number, next: number): void {
    const { view } = this.#ram;
    view.setBigUint64(at, BigInt(address), true);
    view.setUint32(at + 8, length, true);
    view.setUint16(at + 12, flags, true);
    view.setUint16(at + 14, next, true);
  }
}

// MMIO

function overMmio<State extends object, Device extends object>(
  chip: VirtioChip<State, Device>,
): Transport<Device> {
  const hosted = new HostedChip(chip);
  const write = (at: number, value: number): void => hosted.write(at, 4, value);
  const read = (at: number): number => hosted.read(at, 4);
  if (read(0) !== 0x7472_6976 || read(4) !== 2) throw new Error("no device of version 2");
  return {
    hosted,
    features: () => {
      const words = [0, 1].map((word) => {
        write(0x14, word);
        return read(0x10);
      });
      return [words[0] as number, words[1] as number];
    },
    accept: (features) =>
      features.forEach((bits, word) => {
        write(0x24, word);
        write(0x20, bits);
      }),
    status: () => read(0x70),
    setStatus: (bits) => write(0x70, bits),
    queueSizeMax: (index) => {
      write(0x30, index);
      return read(0x34);
    },
    setUpQueue: (index, { size, descriptors, driver, device }) => {
      write(0x30, index);
      write(0x38, size);
      [descriptors, driver, device].forEach((address, i) => {
        write(0x80 + 16 * i, address % 2 ** 32);
        write(0x84 + 16 * i, Math.floor(address / 2 ** 32));
      });
      write(0x44, 1);
    },
    notify: (index) => write(0x50, index),
    takeInterrupts: () => {
      const bits = read(0x60);
      if ((bits !== 0) !== hosted.isAsserted("irq")) throw new Error("the wire says otherwise");
      write(0x64, bits);
      return [...((bits & 2) === 0 ? [] : [-1]), ...((bits & 1) === 0 ? [] : [0])];
    },
    configuration: (offset) => hosted.read(0x100 + offset, 1),
    act: (act) => hosted.socket.act(hosted.now, (state) => chip.act(state as State, act)),
    pass: (cycles) => hosted.pass(cycles),
  };
}

// PCI

/** Finds its structures as "Virtio Structure PCI Capabilities" says. */
class PciStructures {
  readonly bus: PciBus;
  readonly #places = new Map<number, { address: number; capability: number }>();

  constructor(bus: PciBus) {
    this.bus = bus;
    for (let at = this.config(0x34, 1); at !== 0; at = this.config(at + 1, 1)) {
      if (this.config(at, 1) !== 9) continue;
      const bar = 0x10 + 4 * this.config(at + 4, 1);
      const base = this.config(bar, 4) - (this.config(bar, 4) % 16);
      const address = base + this.config(at + 8, 4);
      this.#places.set(this.config(at + 3, 1), { address, capability: at });
    }
  }

  config(offset: number, size: 1 | 2 | 4): number {
    return this.bus.readConfig(0, 1, 0, offset, size);
  }

  capability(type: number): number {
    return this.#places.get(type)?.capability ?? 0;
  }

  read(type: number, offset: number, size: 1 | 2 | 4): number {
    return Number(this.bus.readMemory(this.#place(type) + offset, size));
  }

  write(type: number, offset: number, size: 1 | 2 | 4 | 8, value: number | bigint): void {
    this.bus.writeMemory(this.#place(type) + offset, size, BigInt(value));
  }

  #place(type: number): number {
    const place = this.#places.get(type);
    if (place === undefined) throw new Error(`there is no structure ${type}`);
    return place.address;
  }
}

const [COMMON, NOTIFY, ISR, DEVICE] = [1, 2, 3, 4] as const;
const MSIX_CONTROL = 0x42;
const VECTOR = 0x40;

function overPci<State extends object, Device extends object>(
  chip: VirtioChip<State, Device>,
  queues: number,
  hasMsix: boolean,
): Transport<Device> {
  const { bus, hosts } = busOf([chip]);
  const hosted = hosts[1] as HostedChip;
  assignResources(bus, PCI_WINDOWS);
  bus.writeConfig(0, 1, 0, 4, 2, 6);
  const pci = new PciStructures(bus);
  if (hasMsix) enableMsix(pci, queues + 1);
  const write = (at: number, size: 1 | 2 | 4 | 8, value: number | bigint): void =>
    pci.write(COMMON, at, size, value);
  return {
    hosted,
    features: () => {
      const words = [0, 1].map((word) => {
        write(0, 4, word);
        return pci.read(COMMON, 4, 4);
      });
      return [words[0] as number, words[1] as number];
    },
    accept: (features) =>
      features.forEach((bits, word) => {
        write(8, 4, word);
        write(12, 4, bits);
      }),
    status: () => pci.read(COMMON, 20, 1),
    setStatus: (bits) => {
      write(20, 1, bits);
      if (bits === 0 && hasMsix) write(16, 2, 0);
    },
    queueSizeMax: (index) => {
      write(22, 2, index);
      return pci.read(COMMON, 24, 2);
    },
    setUpQueue: (index, { size, descriptors, driver, device }) => {
      write(22, 2, index);
      write(24, 2, size);
      if (hasMsix) write(26, 2, index + 1);
      [descriptors, driver, device].forEach((address, i) => write(32 + 8 * i, 8, BigInt(address)));
      write(28, 2, 1);
    },
    notify: (index) => {
      write(22, 2, index);
      const multiplier = pci.config(pci.capability(NOTIFY) + 16, 4);
      pci.write(NOTIFY, multiplier * pci.read(COMMON, 30, 2), 2, index);
    },
    takeInterrupts: () => {
      if (hasMsix)
        return hosted.messages
          .splice(0)
          .map((message) => ("vector" in message ? message.vector - VECTOR - 1 : Number.NaN));
      const isAsserted = hosted.isAsserted("intx");
      const bits = pci.read(ISR, 0, 1);
      if ((bits !== 0) !== isAsserted) throw new Error("the wire says otherwise");
      return [...((bits & 2) === 0 ? [] : [-1]), ...((bits & 1) === 0 ? [] : [0])];
    },
    configuration: (offset) => pci.read(DEVICE, offset, 1),
    act: (act) => hosted.socket.act(hosted.now, (state) => chip.act(state as State, act)),
    pass: (cycles) => hosted.pass(cycles),
  };
}

export const PCI_WINDOWS = {
  io: { from: 0xc000, to: 0x1_0000 },
  memory: { from: 0xe000_0000, to: 0xfec0_0000 },
  irqs: [11, 10, 9, 5],
} as const;

/** One vector for each source of interrupts, the configuration first. */
function enableMsix(pci: PciStructures, vectors: number): void {
  const base = pci.config(0x14, 4);
  for (let i = 0; i < vectors; i += 1) {
    pci.bus.writeMemory(base + 16 * i, 8, 0xfee0_0000n);
    pci.bus.writeMemory(base + 16 * i + 8, 4, BigInt(VECTOR + i));
    pci.bus.writeMemory(base + 16 * i + 12, 4, 0n);
  }
  pci.bus.writeConfig(0, 1, 0, MSIX_CONTROL, 2, 0x8000);
}
