/**
 * The parts of a board in their places, with their wires and the ranges at which they answer: all of a machine but its
 * processors, RAM and what is done with both. Intel 440FX PCIset data sheet, "Address Map".
 */

import { assert } from "../../sim/assert.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import type { DmaMemory } from "../chips/dma.ts";
import type { BusMessage } from "../chips/interrupt-message.ts";
import { assignResources } from "../chips/pci/assign-resources.ts";
import { PciBus } from "../chips/pci/bus.ts";
import type { ShadowArea } from "../chips/pci/i440fx.ts";
import type { AccessSize } from "../chips/socket.ts";
import type { VirtioChip } from "../chips/virtio/mmio.ts";
import { type Network, receiveFrame } from "../chips/virtio/network.ts";
import { AddressMap } from "./address-map.ts";
import type { Board, BoardHost, PciBoard } from "./board.ts";
import { PlacedChip } from "./placed-chip.ts";

/** Bytes that a guest has sent to a serial port or a debug console. */
export const CONSOLE = eventType("console.output", { byte: "number" });

/** `part.pin` of a board. */
export interface Pin {
  readonly part: string;
  readonly pin: string;
}

/** A net as its loads find it. */
export interface Drivers {
  readonly names: readonly Pin[];
  readonly isAsserted: () => boolean;
}

/** What the parts reach that is no part. */
export interface Outside {
  /** What takes the level of a net at a pin of something else. */
  load(pin: Pin, drivers: Drivers): (level: number) => void;
  /** A wire of a part has changed; what its net leads to is told next. */
  wire(part: string, pin: string, isAsserted: boolean): void;
  message(part: string, message: BusMessage): void;
  /** The deadline of a part has come; true when it is settled later. */
  defers?(part: string): boolean;
}

const ONES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
/** Wires that say that `take` has a byte for a console. */
const OUTPUT_PINS: readonly string[] = ["tx", "out"];

/** What the parts of a board may use, where `memory` is what devices read and write. */
export function boardHost(
  world: World,
  prefix: string,
  memory: DmaMemory,
  {
    transmit,
    balloon,
    keeperOf = null,
  }: Pick<BoardHost, "transmit" | "balloon"> & Partial<Pick<BoardHost, "keeperOf">>,
): BoardHost {
  return {
    memory,
    balloon,
    keeperOf,
    random: (name, size) => {
      const stream = world.random(prefix + name);
      return Uint8Array.from({ length: size }, () => stream.below(256));
    },
    transmit,
    print: (name, bytes) => {
      for (const byte of bytes) world.trace.emit(CONSOLE, world.now, prefix + name, { byte });
    },
  };
}

export class Backplane {
  readonly board: Board;
  readonly #world: World;
  readonly #prefix: string;
  readonly #outside: Outside;
  readonly #chips = new Map<string, PlacedChip>();
  readonly #ports: AddressMap;
  readonly #addresses: AddressMap;
  /** By driver, what a change of its level reaches. */
  readonly #loads = new Map<string, ((level: number) => void)[]>();
  /** Each tells the loads of a net its level. */
  readonly #nets: (() => void)[] = [];
  readonly #pci: PciBus | null;

  constructor(world: World, prefix: string, board: Board, outside: Outside) {
    this.#world = world;
    this.#prefix = prefix;
    this.board = board;
    this.#outside = outside;
    this.#ports = new AddressMap(board.ports);
    this.#addresses = new AddressMap(board.memory);
    for (const name of Object.keys(board.parts)) this.#place(name);
    for (const net of board.nets) this.#connect(net.drivers, net.loads);
    this.#pci = pciBus(board.pci, (name) => this.chip(name));
  }

  find(name: string): PlacedChip | undefined {
    return this.#chips.get(name);
  }

  chip(name: string): PlacedChip {
    const chip = this.find(name);
    assert(chip !== undefined, `a part of ${this.board.name} is called ${name}`);
    return chip;
  }

  /** A frame arrives at the network interface; false when it is lost. */
  receive(frame: Uint8Array): boolean {
    const nic = this.board.parts["net"]?.chip as VirtioChip<object, Network> | undefined;
    if (nic === undefined) return false;
    return this.chip("net").act((state) => nic.act(state, (port) => receiveFrame(port, frame)));
  }

  /** What firmware does to PCI, for machines that boot a kernel without it. */
  assignPciResources(): void {
    if (this.#pci !== null && this.board.pci !== null)
      assignResources(this.#pci, this.board.pci.windows);
  }

  /** Power-up. A wire that nobody asserts is told too. */
  powerUp(): void {
    for (const chip of this.#chips.values()) chip.settle();
    for (const tell of this.#nets) tell();
  }

  reset(): void {
    for (const chip of this.#chips.values()) chip.reset();
  }

  readPort(port: number, size: AccessSize): number {
    const place = this.#ports.find(port);
    if (place !== null) return this.chip(place.part).read(place.offset, size);
    return this.#pci?.readPort(port, size) ?? (ONES[size] as number);
  }

  writePort(port: number, size: AccessSize, value: number): void {
    const place = this.#ports.find(port);
    if (place !== null) this.chip(place.part).write(place.offset, size, value);
    else this.#pci?.writePort(port, size, value);
  }

  readMemory(address: number, size: number): bigint {
    const rom = this.board.roms.find(
      ({ at, bytes }) => address >= at && address < at + bytes.length,
    );
    if (rom !== undefined) return readBytes(size, (at) => rom.bytes[address + at - rom.at] ?? 0xff);
    const place = this.#addresses.find(address);
    if (place === null)
      return this.#pci?.readMemory(address, size) ?? (1n << BigInt(8 * size)) - 1n;
    return readParts(size, (at, count) => this.chip(place.part).read(place.offset + at, count));
  }

  writeMemory(address: number, size: number, value: bigint): void {
    const place = this.#addresses.find(address);
    if (place === null) this.#pci?.writeMemory(address, size, value);
    else
      writeParts(size, value, (at, count, part) =>
        this.chip(place.part).write(place.offset + at, count, part),
      );
  }

  /** What an area of shadow RAM is open to. */
  shadowState({ readWire, writeWire }: ShadowArea): { reads: boolean; writes: boolean } {
    const chip = this.chip(this.board.shadow?.part ?? "");
    return { reads: chip.isAsserted(readWire), writes: chip.isAsserted(writeWire) };
  }

  shadowAt(address: number): ShadowArea | undefined {
    return this.board.shadow?.areas.find(
      ({ at, sizeBytes }) => address >= at && address < at + sizeBytes,
    );
  }

  /** The area that a wire of a part opens or closes. */
  shadowOf(part: string, pin: string): ShadowArea | undefined {
    const { shadow } = this.board;
    if (shadow?.part !== part) return undefined;
    return shadow.areas.find(({ readWire, writeWire }) => pin === readWire || pin === writeWire);
  }

  #place(name: string): void {
    const part = this.board.parts[name];
    assert(part !== undefined, `a part is called ${name}`);
    const outside = this.#outside;
    const chip = new PlacedChip(this.#world, this.#prefix + name, part, {
      wire: (pin, isAsserted) => this.#drive(name, pin, isAsserted),
      message: (message) => outside.message(name, message),
      defers: () => outside.defers?.(name) === true,
    });
    this.#chips.set(name, chip);
  }

  #drive(name: string, pin: string, isAsserted: boolean): void {
    if (OUTPUT_PINS.includes(pin) && isAsserted) this.#takeOutput(this.chip(name));
    this.#outside.wire(name, pin, isAsserted);
    const level = isAsserted ? 1 : 0;
    for (const load of this.#loads.get(`${name}.${pin}`) ?? []) load(level);
  }

  #connect(drivers: readonly string[], loads: readonly string[]): void {
    const names = drivers.map(pinOf);
    const isAsserted = (): boolean =>
      names.some(({ part, pin }) => this.chip(part).isAsserted(pin));
    const reached = loads.map((load) => this.#loadOf(load, { names, isAsserted }));
    const reach = (): void => {
      const level = isAsserted() ? 1 : 0;
      for (const load of reached) load(level);
    };
    this.#nets.push(reach);
    for (const driver of drivers)
      this.#loads.set(driver, [...(this.#loads.get(driver) ?? []), reach]);
  }

  #loadOf(name: string, drivers: Drivers): (level: number) => void {
    const pin = pinOf(name);
    const chip = this.find(pin.part);
    if (chip === undefined) return this.#outside.load(pin, drivers);
    assert(chip.hasInput(pin.pin), `${name} is an input`);
    return (level) => {
      chip.input(pin.pin, level);
    };
  }

  #takeOutput(chip: PlacedChip): void {
    for (;;) {
      const byte = chip.input("take", 0) ?? -1;
      if (byte < 0) return;
      this.#world.trace.emit(CONSOLE, this.#world.now, chip.name, { byte });
    }
  }
}

export function pinOf(name: string): Pin {
  const at = name.indexOf(".");
  return { part: name.slice(0, at), pin: name.slice(at + 1) };
}

function readBytes(size: number, read: (at: number) => number): bigint {
  let value = 0n;
  for (let at = size - 1; at >= 0; at -= 1) value = (value << 8n) | BigInt(read(at));
  return value;
}

/** Parts answer four bytes at most. */
export function readParts(size: number, read: (at: number, count: AccessSize) => number): bigint {
  if (size < 8) return BigInt(read(0, size as AccessSize));
  return BigInt(read(0, 4)) | (BigInt(read(4, 4)) << 32n);
}

export function writeParts(
  size: number,
  value: bigint,
  write: (at: number, count: AccessSize, part: number) => void,
): void {
  write(0, Math.min(size, 4) as AccessSize, Number(value & 0xffff_ffffn));
  if (size === 8) write(4, 4, Number(value >> 32n));
}

function pciBus(board: PciBoard | null, chip: (name: string) => PlacedChip): PciBus | null {
  if (board === null) return null;
  const slots = board.functions.map(({ part, device, function: number, bars }) => ({
    device,
    function: number,
    chip: { bars },
    hosted: chip(part),
  }));
  return new PciBus(slots, board.ecamBase);
}
