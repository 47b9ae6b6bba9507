/**
 * A machine: a board's chips, processors and RAM in a world, wired as the board says. What a chip does is in its own
 * file, and where it lies in the board's. Intel 440FX PCIset data sheet, "Address Map".
 */

import { assert } from "../../sim/assert.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { PagedMemory } from "../../sim/paged-memory.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";
import type { AccessSize } from "../chips/socket.ts";
import { SLAVE } from "../chips/i8259.ts";
import type { CpuProfile } from "../cpu/cpuid/profile.ts";
import type { Decoder } from "../cpu/decode.ts";
import { ACTIVITY } from "../cpu/state.ts";
import { CPU_BYTES } from "../cpu/engine/layout.ts";
import { PhysicalMemory } from "../cpu/physical-memory.ts";
import { AddressMap, type Place } from "./address-map.ts";
import type { Board } from "./board.ts";
import { PlacedChip } from "./placed-chip.ts";
import { Processor, type ProcessorBus } from "./processor.ts";

export interface MachineParts {
  readonly board: Board;
  /** One profile for each processor. */
  readonly profiles: readonly CpuProfile[];
  readonly memoryBytes: number;
  readonly decoder: Decoder;
  /** Bytes that each processor's engine keeps decoded code in. */
  readonly recordBytes?: number;
}

/** How a machine has ended, if it has. */
export interface Outcome {
  kind: "running" | "off" | "reset" | "exit" | "shutdown";
  /** What was written to the exit device. */
  code: number;
}

/** Bytes that a guest has sent to a serial port or a debug console. */
export const CONSOLE = eventType("console.output", { byte: "number" });

const RECORD_BYTES = 1 << 24;
const ONES: Readonly<Record<number, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const MACHINE_PINS = ["off", "reset"] as const;

export class Machine {
  readonly ram: PagedMemory;
  readonly memory: PhysicalMemory;
  readonly processors: readonly Processor[];
  readonly #world: World;
  readonly #board: Board;
  readonly #chips = new Map<string, PlacedChip>();
  readonly #ports: AddressMap;
  readonly #addresses: AddressMap;
  /** By driver, what a change of its level reaches. */
  readonly #loads = new Map<string, ((level: number) => void)[]>();
  readonly #outcome: Cell<Outcome>;
  /** The processor that runs. */
  #running: Processor | null = null;

  constructor(world: World, { board, profiles, memoryBytes, decoder, recordBytes }: MachineParts) {
    this.#world = world;
    this.#board = board;
    this.#ports = new AddressMap(board.ports);
    this.#addresses = new AddressMap(board.memory);
    const engineBytes = CPU_BYTES + (recordBytes ?? RECORD_BYTES);
    this.ram = world.memory("ram", memoryBytes, profiles.length * engineBytes);
    this.memory = new PhysicalMemory(this.ram, {
      read: (address, size) => this.#readMemory(address, size),
      write: (address, size, value) => this.#writeMemory(address, size, value),
    });
    this.#outcome = world.registry.plain<Outcome>("machine", { kind: "running", code: 0 });
    this.processors = profiles.map(
      (profile, number) =>
        new Processor({
          world,
          number,
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
        }),
    );
    for (const name of Object.keys(board.parts)) this.#place(name);
    for (const net of board.nets) this.#connect(net.drivers, net.loads);
  }

  get outcome(): Readonly<Outcome> {
    return this.#outcome.value;
  }

  chip(name: string): PlacedChip {
    const chip = this.#chips.get(name);
    assert(chip !== undefined, `a part of ${this.#board.name} is called ${name}`);
    return chip;
  }

  /** Power-up of everything but RAM. */
  powerUp(): void {
    for (const chip of this.#chips.values()) chip.settle();
    for (const processor of this.processors) processor.powerUp();
  }

  // Wires.

  #place(name: string): void {
    const part = this.#board.parts[name];
    assert(part !== undefined, `a part is called ${name}`);
    const chip = new PlacedChip(this.#world, name, part, {
      wire: (pin, isAsserted) => this.#drive(name, pin, isAsserted),
    });
    this.#chips.set(name, chip);
  }

  #drive(name: string, pin: string, isAsserted: boolean): void {
    if (pin === "tx" && isAsserted) this.#takeOutput(this.chip(name));
    const level = isAsserted ? 1 : 0;
    for (const load of this.#loads.get(`${name}.${pin}`) ?? []) load(level);
  }

  #connect(drivers: readonly string[], loads: readonly string[]): void {
    const sources = drivers.map((driver) => this.#pin(driver));
    const isAsserted = (): boolean =>
      sources.some(({ part, pin }) => this.chip(part).isAsserted(pin));
    const reached = loads.map((load) => this.#loadOf(load, isAsserted));
    const reach = (): void => {
      const level = isAsserted() ? 1 : 0;
      for (const load of reached) load(level);
    };
    for (const driver of drivers)
      this.#loads.set(driver, [...(this.#loads.get(driver) ?? []), reach]);
  }

  #loadOf(name: string, isAsserted: () => boolean): (level: number) => void {
    const { part, pin } = this.#pin(name);
    if (part === "machine") {
      const kind = MACHINE_PINS.find((known) => known === pin);
      assert(kind !== undefined, `${name} is a pin`);
      return (level) => {
        if (level === 1) this.#end(kind, 0);
      };
    }
    const processor = this.processors.find((known) => known.name === part);
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
  #end(kind: Outcome["kind"], code: number): void {
    if (this.#outcome.value.kind !== "running") return;
    this.#outcome.value = { kind, code };
    for (const { state } of this.processors) state.activity = ACTIVITY.shutdown;
  }

  // Accesses.

  #bus(): ProcessorBus {
    return {
      running: (processor) => {
        this.#running = processor;
      },
      readPort: (port, size) => this.#readPort(port, size),
      writePort: (port, size, value) => this.#writePort(port, size, value),
      acknowledgeInterrupt: () => this.#acknowledge(),
      readMsr: () => null,
      writeMsr: () => false,
      apicBaseChanged: () => undefined,
      assertFerr: () => undefined,
      shutdown: () => this.#end("shutdown", 0),
    };
  }

  #readPort(port: number, size: number): number {
    const place = this.#ports.find(port);
    if (place === null) return ONES[size] as number;
    this.#running?.step();
    const value = this.chip(place.part).read(place.offset, size as AccessSize);
    this.#running?.look();
    return value;
  }

  #writePort(port: number, size: number, value: number): void {
    const place = this.#ports.find(port);
    if (place === null) return;
    this.#running?.step();
    this.chip(place.part).write(place.offset, size as AccessSize, value);
    this.#running?.look();
  }

  #readMemory(address: number, size: number): bigint {
    const place = this.#addresses.find(address);
    if (place === null) return (1n << BigInt(8 * size)) - 1n;
    this.#running?.step();
    const value = this.#readPart(place, size);
    this.#running?.look();
    return value;
  }

  /** Parts answer four bytes at most. */
  #readPart({ part, offset }: Place, size: number): bigint {
    const chip = this.chip(part);
    if (size < 8) return BigInt(chip.read(offset, size as AccessSize));
    return (BigInt(chip.read(offset + 4, 4)) << 32n) | BigInt(chip.read(offset, 4));
  }

  #writeMemory(address: number, size: number, value: bigint): void {
    const place = this.#addresses.find(address);
    if (place === null) return;
    this.#running?.step();
    const chip = this.chip(place.part);
    chip.write(place.offset, Math.min(size, 4) as AccessSize, Number(value & 0xffff_ffffn));
    if (size === 8) chip.write(place.offset + 4, 4, Number(value >> 32n));
    this.#running?.look();
  }

  /** The interrupt acknowledge cycle: the master answers, or names the slave that does. */
  #acknowledge(): number {
    this.#running?.step();
    const answer = this.chip("pic1").input("inta", MASTER) ?? 0;
    const vector =
      answer >= SLAVE ? (this.chip("pic2").input("inta", answer - SLAVE) ?? 0) : answer;
    this.#running?.look();
    return vector;
  }
}

/** What a master of two i8259 is asked as: nobody's slave. */
const MASTER = 8;
