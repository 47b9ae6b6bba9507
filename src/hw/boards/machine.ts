/**
 * A machine: a board's chips, processors and RAM in a world, wired as the board says. What a chip does is in its own
 * file, and where it lies in the board's. Intel 440FX PCIset data sheet, "Address Map".
 */

import { assert } from "../../sim/assert.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { PagedMemory } from "../../sim/paged-memory.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import type { DmaMemory } from "../chips/dma.ts";
import type { ShadowArea } from "../chips/pci/i440fx.ts";
import type { AccessSize } from "../chips/socket.ts";
import { SLAVE } from "../chips/i8259.ts";
import type { CpuProfile } from "../cpu/cpuid/profile.ts";
import type { Decoder } from "../cpu/decode.ts";
import { ACTIVITY } from "../cpu/state.ts";
import { CPU_BYTES } from "../cpu/engine/layout.ts";
import { PhysicalMemory } from "../cpu/physical-memory.ts";
import { assignResources } from "../chips/pci/assign-resources.ts";
import type { VirtioChip } from "../chips/virtio/mmio.ts";
import { type Network, receiveFrame } from "../chips/virtio/network.ts";
import { PciBus } from "../chips/pci/bus.ts";
import type { Lapic } from "../chips/lapic.ts";
import type { AcpiDescription } from "./acpi/description.ts";
import { AddressMap } from "./address-map.ts";
import { ApicBus } from "./apic-bus.ts";
import type { Board, BoardHost, PciBoard } from "./board.ts";
import { PlacedChip } from "./placed-chip.ts";
import { Processor, type ProcessorBus } from "./processor.ts";

export interface MachineParts {
  /** What the names of its state and components begin with, where a world has several machines. */
  readonly prefix?: string;
  readonly board: (host: BoardHost) => Board;
  /** One profile for each processor. */
  readonly profiles: readonly CpuProfile[];
  readonly memoryBytes: number;
  readonly decoder: Decoder;
  /** Bytes that each processor's engine keeps decoded code in. */
  readonly recordBytes?: number;
  /** The trace tells of each walk of page tables. */
  readonly walks?: boolean;
}

type EndKind = "off" | "reset" | "exit" | "shutdown";

/** How a machine has ended, if it has. */
export interface Outcome {
  kind: "running" | EndKind;
  /** What was written to the exit device. */
  code: number;
}

/** Bytes that a guest has sent to a serial port or a debug console. */
export const CONSOLE = eventType("console.output", { byte: "number" });

/** The machine has come to its end: turned off, reset, or left through the exit device. */
export const ENDED = eventType("machine.ended", { kind: "text", code: "number" });

/** The machine was reset, or a processor has shut down, which resets a PC: it begins anew. */
export const RESET = eventType("machine.reset", { kind: "text" });

/** A millisecond: so long CPURST stays asserted (Intel 82371AB data sheet, "Reset Control Register"). */
const RESET_CYCLES = 1_000_000;

/** A kernel's boot decodes more than this; what does not fit is decoded again. */
const RECORD_BYTES = 8 << 20;
const ONES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const MACHINE_PINS = ["off", "reset", "exit"] as const;
/** Wires that say that `take` has a byte for a console. */
const OUTPUT_PINS: readonly string[] = ["tx", "out"];

export class Machine {
  readonly ram: PagedMemory;
  readonly memory: PhysicalMemory;
  readonly processors: readonly Processor[];
  /** Takes a frame that leaves by a network interface. */
  onTransmit: ((part: string, frame: Uint8Array) => void) | null = null;
  /** Starts the machine anew after a reset; without it a reset ends the machine. */
  onReset: (() => void) | null = null;
  readonly #world: World;
  readonly #prefix: string;
  readonly #board: Board;
  readonly #chips = new Map<string, PlacedChip>();
  readonly #ports: AddressMap;
  readonly #addresses: AddressMap;
  /** By driver, what a change of its level reaches. */
  readonly #loads = new Map<string, ((level: number) => void)[]>();
  /** Each tells the loads of a net its level. */
  readonly #nets: (() => void)[] = [];
  readonly #outcome: Cell<Outcome>;
  readonly #apics: ApicBus;
  readonly #pci: PciBus | null;
  /** The processor that runs. */
  #running: Processor | null = null;

  constructor(world: World, parts: MachineParts) {
    const { profiles, memoryBytes, decoder, recordBytes, prefix = "" } = parts;
    this.#world = world;
    this.#prefix = prefix;
    const engineBytes = CPU_BYTES + (recordBytes ?? RECORD_BYTES);
    this.ram = world.memory(`${prefix}ram`, memoryBytes, profiles.length * engineBytes);
    this.memory = new PhysicalMemory(this.ram, {
      read: (address, size) => this.#outside(() => this.#readMemory(address, size)),
      write: (address, size, value) => this.#outside(() => this.#writeMemory(address, size, value)),
    });
    const board = parts.board(this.#host());
    this.#board = board;
    this.#ports = new AddressMap(board.ports);
    this.#addresses = new AddressMap(board.memory);
    this.#outcome = world.registry.plain<Outcome>(`${prefix}machine`, { kind: "running", code: 0 });
    this.processors = profiles.map(
      (profile, number) =>
        new Processor({
          world,
          number,
          prefix,
          profile,
          decoder,
          ram: this.ram,
          memory: this.memory,
          block: number * engineBytes,
          area: {
            records: number * engineBytes + CPU_BYTES,
            recordBytes: engineBytes - CPU_BYTES,
          },
          bus: this.#bus(),
          walks: parts.walks ?? false,
        }),
    );
    for (const name of Object.keys(board.parts)) this.#place(name);
    for (const net of board.nets) this.#connect(net.drivers, net.loads);
    this.#apics = new ApicBus(
      this.processors,
      board.apics.map((name) => this.chip(name) as PlacedChip<Lapic>),
      board.ioapics.map((name) => this.chip(name)),
    );
    this.#pci = pciBus(board.pci, (name) => this.chip(name));
    this.#openShadows();
    // Which pages are RAM follows from the chips' state.
    world.registry.derived(() => this.#openShadows());
    world.add({ name: `${prefix}machine`, handlers: { reset: () => this.#restart() } });
  }

  /** A frame arrives at the network interface; false when it is lost. */
  receive(frame: Uint8Array): boolean {
    const nic = this.#board.parts["net"]?.chip as VirtioChip<object, Network> | undefined;
    if (nic === undefined) return false;
    return this.chip("net").act((state) => nic.act(state, (port) => receiveFrame(port, frame)));
  }

  get acpi(): AcpiDescription {
    return this.#board.acpi;
  }

  get apicNames(): readonly string[] {
    return this.#board.apics;
  }

  find(name: string): PlacedChip | undefined {
    return this.#chips.get(name);
  }

  chip(name: string): PlacedChip {
    const chip = this.find(name);
    assert(chip !== undefined, `a part of ${this.#board.name} is called ${name}`);
    return chip;
  }

  /** What firmware does to PCI, for machines that boot a kernel without it. */
  assignPciResources(): void {
    if (this.#pci !== null && this.#board.pci !== null)
      assignResources(this.#pci, this.#board.pci.windows);
  }

  /** Power-up of everything but RAM. A wire that nobody asserts is told too. */
  powerUp(): void {
    for (const chip of this.#chips.values()) chip.settle();
    for (const tell of this.#nets) tell();
    for (const processor of this.processors) processor.powerUp();
  }

  /** What the board's parts may use. */
  #host(): BoardHost {
    const world = this.#world;
    return {
      memory: dmaMemory(this.memory),
      random: (name, size) => {
        const stream = world.random(this.#prefix + name);
        return Uint8Array.from({ length: size }, () => stream.below(256));
      },
      transmit: (name, frame) => this.onTransmit?.(name, frame),
      print: (name, bytes) => {
        for (const byte of bytes)
          world.trace.emit(CONSOLE, world.now, this.#prefix + name, { byte });
      },
    };
  }

  // Wires.

  #place(name: string): void {
    const part = this.#board.parts[name];
    assert(part !== undefined, `a part is called ${name}`);
    const sender = this.#board.apics.indexOf(name);
    const chip = new PlacedChip(this.#world, this.#prefix + name, part, {
      wire: (pin, isAsserted) => this.#drive(name, pin, isAsserted),
      message: (message) => this.#apics.send(message, sender < 0 ? null : sender),
    });
    this.#chips.set(name, chip);
  }

  #drive(name: string, pin: string, isAsserted: boolean): void {
    if (OUTPUT_PINS.includes(pin) && isAsserted) this.#takeOutput(this.chip(name));
    if (pin === "event" && isAsserted) this.#apics.takeEvents(this.#board.apics.indexOf(name));
    const { shadow } = this.#board;
    const area =
      shadow?.part === name
        ? shadow.areas.find(({ readWire, writeWire }) => pin === readWire || pin === writeWire)
        : undefined;
    if (area !== undefined) this.#openShadow(area);
    const level = isAsserted ? 1 : 0;
    for (const load of this.#loads.get(`${name}.${pin}`) ?? []) load(level);
  }

  #connect(drivers: readonly string[], loads: readonly string[]): void {
    const sources = drivers.map((driver) => this.#pin(driver));
    const isAsserted = (): boolean =>
      sources.some(({ part, pin }) => this.chip(part).isAsserted(pin));
    const reached = loads.map((load) => this.#loadOf(load, drivers, isAsserted));
    const reach = (): void => {
      const level = isAsserted() ? 1 : 0;
      for (const load of reached) load(level);
    };
    this.#nets.push(reach);
    for (const driver of drivers)
      this.#loads.set(driver, [...(this.#loads.get(driver) ?? []), reach]);
  }

  #loadOf(
    name: string,
    drivers: readonly string[],
    isAsserted: () => boolean,
  ): (level: number) => void {
    const { part, pin } = this.#pin(name);
    if (part === "machine") {
      const kind = MACHINE_PINS.find((known) => known === pin);
      assert(kind !== undefined, `${name} is a pin`);
      return (level) => {
        if (level === 0) return;
        if (kind === "reset") this.#reset(kind);
        else this.#end(kind, kind === "exit" ? this.#exitStatus(drivers) : 0);
      };
    }
    const processor = this.processors.find((known) => `cpu${known.number}` === part);
    if (processor === undefined) {
      const chip = this.chip(part);
      assert(chip.hasInput(pin), `${name} is an input`);
      return (level) => {
        chip.input(pin, level);
      };
    }
    if (pin === "nmi")
      return (level) => {
        if (level === 1) processor.signal("nmi");
      };
    assert(pin === "intr", `${name} is a pin of a processor`);
    processor.connectInterrupt(isAsserted);
    return (level) => {
      if (level === 1) processor.notify();
    };
  }

  #exitStatus(drivers: readonly string[]): number {
    const { part } = this.#pin(drivers[0] as string);
    return this.chip(part).input("status", 0) ?? 0;
  }

  #pin(name: string): { readonly part: string; readonly pin: string } {
    const at = name.indexOf(".");
    return { part: name.slice(0, at), pin: name.slice(at + 1) };
  }

  #takeOutput(chip: PlacedChip): void {
    for (;;) {
      const byte = chip.input("take", 0) ?? -1;
      if (byte < 0) return;
      this.#world.trace.emit(CONSOLE, this.#world.now, chip.name, { byte });
    }
  }

  /** The machine has come to its end: nothing is executed any more. */
  #end(kind: EndKind, code: number): void {
    if (!this.#stop(kind, code)) return;
    this.#world.trace.emit(ENDED, this.#world.now, `${this.#prefix}machine`, { kind, code });
  }

  #stop(kind: EndKind, code: number): boolean {
    if (this.#outcome.value.kind !== "running") return false;
    this.#outcome.value = { kind, code };
    for (const { state } of this.processors) state.activity = ACTIVITY.shutdown;
    return true;
  }

  /** Whoever resets a machine is in the middle of an access: it begins anew later. */
  #reset(kind: "reset" | "shutdown"): void {
    if (this.onReset === null) this.#end(kind, 0);
    else if (this.#stop(kind, 0))
      this.#world.postIn(RESET_CYCLES, `${this.#prefix}machine`, "reset");
  }

  /** RAM keeps what it holds, as in a machine that stays under power. */
  #restart(): void {
    const { kind } = this.#outcome.value;
    this.#world.trace.emit(RESET, this.#world.now, `${this.#prefix}machine`, { kind });
    this.#outcome.value = { kind: "running", code: 0 };
    for (const chip of this.#chips.values()) chip.reset();
    this.#openShadows();
    this.onReset?.();
    for (const processor of this.processors) processor.notify();
  }

  // Shadow RAM.

  #openShadows(): void {
    for (const area of this.#board.shadow?.areas ?? []) this.#openShadow(area);
  }

  /** RAM that is open to one kind of access only is reached access by access. */
  #openShadow(area: ShadowArea): void {
    const { reads, writes } = this.#shadowState(area);
    this.memory.setKind(area.at, area.sizeBytes, reads ? (writes ? "ram" : "rom") : "device");
  }

  #shadowState({ readWire, writeWire }: ShadowArea): { reads: boolean; writes: boolean } {
    const chip = this.chip(this.#board.shadow?.part ?? "");
    return { reads: chip.isAsserted(readWire), writes: chip.isAsserted(writeWire) };
  }

  #shadowAt(address: number): ShadowArea | undefined {
    return this.#board.shadow?.areas.find(
      ({ at, sizeBytes }) => address >= at && address < at + sizeBytes,
    );
  }

  // Accesses.

  #bus(): ProcessorBus {
    const apics = (): ApicBus => this.#apics;
    return {
      running: (processor) => {
        this.#running = processor;
      },
      readPort: (port, size) => this.#outside(() => this.#readPort(port, size as AccessSize)),
      writePort: (port, size, value) =>
        this.#outside(() => this.#writePort(port, size as AccessSize, value)),
      acknowledgeInterrupt: (cpu) => this.#outside(() => this.#acknowledge(cpu)),
      readMsr: (cpu, number) => this.#outside(() => apics().readMsr(cpu, number)),
      writeMsr: (cpu, number, value) => this.#outside(() => apics().writeMsr(cpu, number, value)),
      apicBaseChanged: (cpu, value) => this.#outside(() => apics().baseChanged(cpu, value)),
      taskPriorityChanged: (cpu, value) =>
        this.#outside(() => apics().taskPriorityChanged(cpu, value)),
      timeStampCounterMoved: (cpu) => this.#outside(() => apics().timeStampCounterMoved(cpu)),
      assertFerr: () => undefined,
      shutdown: () => this.#reset("shutdown"),
    };
  }

  /** What a processor has done outside: at its time, and it may shorten its slice. */
  #outside<T>(action: () => T): T {
    const running = this.#running;
    running?.step();
    const result = action();
    running?.look();
    return result;
  }

  #readPort(port: number, size: AccessSize): number {
    const place = this.#ports.find(port);
    if (place !== null) return this.chip(place.part).read(place.offset, size);
    return this.#pci?.readPort(port, size) ?? (ONES[size] as number);
  }

  #writePort(port: number, size: AccessSize, value: number): void {
    const place = this.#ports.find(port);
    if (place !== null) this.chip(place.part).write(place.offset, size, value);
    else this.#pci?.writePort(port, size, value);
  }

  #readMemory(address: number, size: number): bigint {
    const local = this.#localApic(address);
    if (local !== null)
      return readParts(size, (at, count) => local.apic.read(local.offset + at, count));
    const rom = this.#board.roms.find(
      ({ at, bytes }) => address >= at && address < at + bytes.length,
    );
    if (rom !== undefined) return readBytes(size, (at) => rom.bytes[address + at - rom.at] ?? 0xff);
    const place = this.#addresses.find(address);
    if (place === null)
      return this.#pci?.readMemory(address, size) ?? (1n << BigInt(8 * size)) - 1n;
    return readParts(size, (at, count) => this.chip(place.part).read(place.offset + at, count));
  }

  #writeMemory(address: number, size: number, value: bigint): void {
    const area = this.#shadowAt(address);
    if (area !== undefined) {
      if (this.#shadowState(area).writes) writeRam(this.ram, address, size, value);
      return;
    }
    const local = this.#localApic(address);
    const place = this.#addresses.find(address);
    if (local !== null)
      writeParts(size, value, (at, count, part) =>
        this.#apics.write(local.cpu, local.apic, local.offset + at, count, part),
      );
    else if (place !== null)
      writeParts(size, value, (at, count, part) =>
        this.chip(place.part).write(place.offset + at, count, part),
      );
    else this.#pci?.writeMemory(address, size, value);
  }

  #localApic(address: number) {
    const cpu = this.#running?.number;
    if (cpu === undefined) return null;
    const found = this.#apics.at(cpu, address);
    return found === null ? null : { ...found, cpu };
  }

  /** The interrupt acknowledge cycle: the local APIC answers, or the i8259 behind it, or that one's slave. */
  #acknowledge(cpu: number): number {
    const vector = this.#apics.acknowledge(cpu);
    if (vector !== null || this.#board.pics === null) return vector ?? SPURIOUS;
    const [master, slave] = this.#board.pics;
    const answer = this.chip(master).input("inta", MASTER) ?? SPURIOUS;
    return answer < SLAVE ? answer : (this.chip(slave).input("inta", answer - SLAVE) ?? SPURIOUS);
  }
}

function readBytes(size: number, read: (at: number) => number): bigint {
  let value = 0n;
  for (let at = size - 1; at >= 0; at -= 1) value = (value << 8n) | BigInt(read(at));
  return value;
}

function writeRam(ram: PagedMemory, address: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i += 1)
    ram.write8(address + i, Number((value >> BigInt(8 * i)) & 0xffn));
}

/** RAM without what lies over it. */
const dmaMemory = (memory: PhysicalMemory): DmaMemory => ({
  read: (address, size) => (memory.isRam(address, size) ? memory.ram.read(address, size) : null),
  write(address, bytes) {
    if (!memory.isRam(address, bytes.length)) return false;
    memory.ram.write(address, bytes);
    return true;
  },
});

/** Parts answer four bytes at most. */
function readParts(size: number, read: (at: number, count: AccessSize) => number): bigint {
  if (size < 8) return BigInt(read(0, size as AccessSize));
  return BigInt(read(0, 4)) | (BigInt(read(4, 4)) << 32n);
}

function writeParts(
  size: number,
  value: bigint,
  write: (at: number, count: AccessSize, part: number) => void,
): void {
  write(0, Math.min(size, 4) as AccessSize, Number(value & 0xffff_ffffn));
  if (size === 8) write(4, 4, Number(value >> 32n));
}

const SPURIOUS = 0xff;
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

/** What a master of two i8259 is asked as: nobody's slave. */
const MASTER = 8;
