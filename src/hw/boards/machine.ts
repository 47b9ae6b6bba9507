/**
 * A machine: a board's chips, processors and RAM in a world, wired as the board says. What a chip does is in its own
 * file, and where it lies in the board's. Intel 440FX PCIset data sheet, "Address Map".
 */

import { assert } from "../../sim/assert.ts";
import type { PagedMemory } from "../../sim/paged-memory.ts";
import type { World } from "../../sim/world.ts";
import type { DmaMemory } from "../chips/dma.ts";
import { acknowledgePics } from "../chips/i8259.ts";
import type { ShadowArea } from "../chips/pci/i440fx.ts";
import type { AccessSize } from "../chips/socket.ts";
import type { Lapic } from "../chips/lapic.ts";
import type { CpuProfile } from "../cpu/cpuid/profile.ts";
import type { Decoder } from "../cpu/decode.ts";
import { CPU_BYTES } from "../cpu/engine/layout.ts";
import { writeMsr } from "../cpu/msr/access.ts";
import { PhysicalMemory } from "../cpu/physical-memory.ts";
import { ACTIVITY } from "../cpu/state.ts";
import type { AcpiDescription } from "./acpi/description.ts";
import { ApicBus } from "./apic-bus.ts";
import {
  Backplane,
  boardHost,
  type Drivers,
  type Pin,
  readParts,
  writeParts,
} from "./backplane.ts";
import type { Board, BoardHost } from "./board.ts";
import type { FirmwareHost } from "./firmware.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { PlacedChip } from "./placed-chip.ts";
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

/** A kernel's boot decodes more than this; what does not fit is decoded again. */
const RECORD_BYTES = 8 << 20;

/** Nobody is there to take pages. */
const KEPT = { inflated: () => undefined, deflated: () => undefined };

export class Machine implements FirmwareHost {
  readonly ram: PagedMemory;
  readonly memory: PhysicalMemory;
  readonly processors: readonly Processor[];
  /** Takes a frame that leaves by a network interface. */
  onTransmit: ((part: string, frame: Uint8Array) => void) | null = null;
  readonly #backplane: Backplane;
  readonly #lifecycle: Lifecycle;
  readonly #apics: ApicBus;
  /** Starts the machine anew after a reset; without it a reset ends the machine. */
  #onReset: (() => void) | null = null;
  /** The processor that runs. */
  #running: Processor | null = null;

  constructor(world: World, parts: MachineParts) {
    const { profiles, memoryBytes, decoder, recordBytes, prefix = "" } = parts;
    const engineBytes = CPU_BYTES + (recordBytes ?? RECORD_BYTES);
    this.ram = world.memory(`${prefix}ram`, memoryBytes, profiles.length * engineBytes);
    this.memory = new PhysicalMemory(this.ram, {
      read: (address, size) => this.#outside(() => this.#readMemory(address, size)),
      write: (address, size, value) => this.#outside(() => this.#writeMemory(address, size, value)),
    });
    const transmit = (name: string, frame: Uint8Array): void => this.onTransmit?.(name, frame);
    const memory = dmaMemory(this.memory);
    const board = parts.board(boardHost(world, prefix, memory, { transmit, balloon: KEPT }));
    this.#lifecycle = new Lifecycle(world, prefix, {
      stop: () => this.#stop(),
      isStopped: () => true,
      restart: () => this.#restart(),
    });
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
    this.#backplane = new Backplane(world, prefix, board, {
      load: (pin, drivers) => this.#loadOf(pin, drivers),
      wire: (part, pin, isAsserted) => this.#wire(part, pin, isAsserted),
      message: (part, message) => {
        const sender = board.apics.indexOf(part);
        this.#apics.send(message, sender < 0 ? null : sender);
      },
    });
    this.#apics = new ApicBus(
      this.processors,
      board.apics.map((name) => this.chip(name) as PlacedChip<Lapic>),
      board.ioapics.map((name) => this.chip(name)),
    );
    this.#openShadows();
    // Which pages are RAM follows from the chips' state.
    world.registry.derived(() => this.#openShadows());
  }

  set onReset(start: (() => void) | null) {
    this.#onReset = start;
    this.#lifecycle.restarts = start !== null;
  }

  /** A frame arrives at the network interface; false when it is lost. */
  receive(frame: Uint8Array): boolean {
    return this.#backplane.receive(frame);
  }

  get acpi(): AcpiDescription {
    return this.#backplane.board.acpi;
  }

  get apicNames(): readonly string[] {
    return this.#backplane.board.apics;
  }

  find(name: string): PlacedChip | undefined {
    return this.#backplane.find(name);
  }

  chip(name: string): PlacedChip {
    return this.#backplane.chip(name);
  }

  assignPciResources(): void {
    this.#backplane.assignPciResources();
  }

  get profiles(): readonly CpuProfile[] {
    return this.processors.map(({ profile }) => profile);
  }

  writeMsr(cpu: number, number: number, value: bigint): void {
    const processor = this.processors[cpu];
    assert(processor !== undefined, "a machine has the processor");
    const { state, memory } = processor;
    writeMsr({ state, memory, environment: processor }, number, value);
  }

  /** Power-up of everything but RAM. */
  powerUp(): void {
    this.#backplane.powerUp();
    for (const processor of this.processors) processor.powerUp();
  }

  // Wires.

  #wire(part: string, pin: string, isAsserted: boolean): void {
    if (pin === "event" && isAsserted) this.#apics.takeEvents(this.apicNames.indexOf(part));
    const area = this.#backplane.shadowOf(part, pin);
    if (area !== undefined) this.#openShadow(area);
  }

  #loadOf(pin: Pin, drivers: Drivers): (level: number) => void {
    if (pin.part === "machine") {
      const [device] = drivers.names;
      return this.#lifecycle.load(pin, () => this.chip(device?.part ?? "").input("status", 0) ?? 0);
    }
    const processor = this.processors.find(({ number }) => `cpu${number}` === pin.part);
    assert(processor !== undefined, `${pin.part} is a part`);
    if (pin.pin === "nmi")
      return (level) => {
        if (level === 1) processor.signal("nmi");
      };
    assert(pin.pin === "intr", `${pin.part}.${pin.pin} is a pin`);
    processor.connectInterrupt(drivers.isAsserted);
    return (level) => {
      if (level === 1) processor.notify();
    };
  }

  #stop(): void {
    for (const { state } of this.processors) state.activity = ACTIVITY.shutdown;
  }

  /** RAM keeps what it holds, as in a machine that stays under power. */
  #restart(): void {
    this.#backplane.reset();
    this.#openShadows();
    this.#onReset?.();
    for (const processor of this.processors) processor.notify();
  }

  // Shadow RAM.

  #openShadows(): void {
    for (const area of this.#backplane.board.shadow?.areas ?? []) this.#openShadow(area);
  }

  /** RAM that is open to one kind of access only is reached access by access. */
  #openShadow(area: ShadowArea): void {
    const { reads, writes } = this.#backplane.shadowState(area);
    this.memory.setKind(area.at, area.sizeBytes, reads ? (writes ? "ram" : "rom") : "device");
  }

  // Accesses.

  #bus(): ProcessorBus {
    const apics = (): ApicBus => this.#apics;
    return {
      running: (processor) => {
        this.#running = processor;
      },
      readPort: (port, size) =>
        this.#outside(() => this.#backplane.readPort(port, size as AccessSize)),
      writePort: (port, size, value) =>
        this.#outside(() => this.#backplane.writePort(port, size as AccessSize, value)),
      acknowledgeInterrupt: (cpu) => this.#outside(() => this.#acknowledge(cpu)),
      readMsr: (cpu, number) => this.#outside(() => apics().readMsr(cpu, number)),
      writeMsr: (cpu, number, value) => this.#outside(() => apics().writeMsr(cpu, number, value)),
      apicBaseChanged: (cpu, value) => this.#outside(() => apics().baseChanged(cpu, value)),
      taskPriorityChanged: (cpu, value) =>
        this.#outside(() => apics().taskPriorityChanged(cpu, value)),
      timeStampCounterMoved: (cpu) => this.#outside(() => apics().timeStampCounterMoved(cpu)),
      assertFerr: () => undefined,
      shutdown: () => this.#lifecycle.reset("shutdown"),
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

  #readMemory(address: number, size: number): bigint {
    const local = this.#localApic(address);
    if (local === null) return this.#backplane.readMemory(address, size);
    return readParts(size, (at, count) => local.apic.read(local.offset + at, count));
  }

  #writeMemory(address: number, size: number, value: bigint): void {
    const area = this.#backplane.shadowAt(address);
    const local = area === undefined ? this.#localApic(address) : null;
    if (area !== undefined) {
      if (this.#backplane.shadowState(area).writes) writeRam(this.ram, address, size, value);
    } else if (local === null) this.#backplane.writeMemory(address, size, value);
    else
      writeParts(size, value, (at, count, part) =>
        this.#apics.write(local.cpu, local.apic, local.offset + at, count, part),
      );
  }

  #localApic(address: number) {
    const cpu = this.#running?.number;
    if (cpu === undefined) return null;
    const found = this.#apics.at(cpu, address);
    return found === null ? null : { ...found, cpu };
  }

  /** The interrupt acknowledge cycle: the local APIC answers, or the i8259 behind it. */
  #acknowledge(cpu: number): number {
    const vector = this.#apics.acknowledge(cpu);
    if (vector !== null) return vector;
    const { pics } = this.#backplane.board;
    return pics === null ? SPURIOUS : acknowledgePics(this.chip(pics[0]), this.chip(pics[1]), 0);
  }
}

const SPURIOUS = 0xff;

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
