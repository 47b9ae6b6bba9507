/**
 * Machines with paging on: a few pages of physical memory, some of them page tables, mapped at random where programs
 * run, so that pages have several addresses, rights are missing, and a program can reach its own tables and code.
 */

import fc from "fast-check";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES, type Heat, ORDINARY_HEAT } from "../../src/hw/cpu/engine/layout.ts";
import type { Fault } from "../../src/hw/cpu/fault.ts";
import type { DirectMemory } from "../../src/hw/cpu/mmu.ts";
import { type MemoryMappedIo, PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { startLongMode } from "../../src/hw/cpu/start.ts";
import { CpuState } from "../../src/hw/cpu/state.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import {
  anyLoop,
  anyProgram,
  BARE,
  decoder,
  MEMORY_START,
  type Program,
  runTo,
} from "./programs.ts";

const PHYSICAL_PAGES = 16;
/** PML4, PDPT, PD and PT are pages 0 to 3; the code is in page 4. */
const CODE_PAGE = 4;
export const MAPPED_PAGES = 6;
const RECORD_BYTES = 1 << 19;
const ENGINE_BYTES = CPU_BYTES + RECORD_BYTES;
const MOST_CPUS = 2;

export interface Mapping {
  readonly frame: number;
  /** Low bits of the entry: present, R/W, U/S, A, D, G. */
  readonly flags: number;
  readonly noExecute: boolean;
}

export interface PagedProgram extends Program {
  /** Offset of the first instruction from MEMORY_START. */
  readonly entry: number;
  /** For the pages from MEMORY_START on. */
  readonly mappings: readonly Mapping[];
  readonly user: boolean;
  readonly wp: boolean;
  readonly smap: boolean;
  /** Few, so that pages take each other's places. */
  readonly tlbEntries: number;
}

/** The first page that is no memory. */
export const DEVICE_PAGE = PHYSICAL_PAGES;

const PRESENT_WRITE_USER = 7;

function anyMapping(): fc.Arbitrary<Mapping> {
  return fc.record({
    frame: fc.oneof(
      { weight: 4, arbitrary: fc.constant(CODE_PAGE) },
      { weight: 6, arbitrary: fc.integer({ min: CODE_PAGE, max: CODE_PAGE + 4 }) },
      { weight: 1, arbitrary: fc.nat(PHYSICAL_PAGES + 1) },
    ),
    flags: fc.oneof(
      { weight: 15, arbitrary: fc.constant(PRESENT_WRITE_USER) },
      { weight: 1, arbitrary: fc.nat(0x1ff).map((flags) => flags & 0x167) },
    ),
    noExecute: fc.nat(15).map((n) => n === 0),
  });
}

/** Where accesses go: anywhere in the pages mapped, often across their ends, often into the code. */
const anyPlace = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.nat(MAPPED_PAGES * PAGE_SIZE - 8) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: MAPPED_PAGES - 1 }), fc.nat(7))
        .map(([page, n]) => page * PAGE_SIZE - n),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.nat(MAPPED_PAGES - 1), fc.nat(200))
        .map(([page, n]) => page * PAGE_SIZE + n),
    },
  );

/** The registers that point to the start of the pages, and are never written: rBX, rBP, rSI, rDI. */
export const POINTERS = [3, 5, 6, 7] as const;
const ACCESSES = [
  [0x48, 0x8b],
  [0x48, 0x89],
  [0x48, 0x03],
  [0x48, 0x01],
  [0x31],
  [0x2b],
  [0x66, 0x11],
  [0x88],
  [0x00],
] as const;

/** One access of a register to a place, so that the program lives on. */
function anyAccess(): fc.Arbitrary<number[]> {
  return fc
    .record({
      opcode: fc.constantFrom(...ACCESSES),
      pointer: fc.constantFrom(...POINTERS),
      register: fc.nat(2),
      place: anyPlace(),
    })
    .map(({ opcode, pointer, register, place }) => {
      return [...opcode, 0x80 | (register << 3) | pointer, ...displacement32(place)];
    });
}

/** How many pages further a loop goes on, where the same code may be mapped again. */
const anyPageStep = (): fc.Arbitrary<number> => fc.constantFrom(0, 0, 0, 1, 1, 2, -1);

/** A loop of accesses, somewhere in its page, perhaps across the end of it; any byte of it may be written by itself. */
function anyBusyProgram(): fc.Arbitrary<Program & { readonly entry: number }> {
  return fc
    .record({
      body: fc.array(anyAccess(), { minLength: 1, maxLength: 12, size: "max" }),
      gpr: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 16, maxLength: 16 }),
      data: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      entry: fc.oneof(fc.constant(0), fc.integer({ min: PAGE_SIZE - 60, max: PAGE_SIZE - 1 })),
      steps: fc.tuple(anyPageStep(), anyPageStep()),
    })
    .map(({ body, gpr, data, entry, steps }) => {
      const code = body.flat();
      // JZ and JMP with a displacement of 32 bits: back to the start, or to where it is in another page.
      code.push(0x0f, 0x84, ...displacement32(steps[0] * PAGE_SIZE - code.length - 6));
      code.push(0xe9, ...displacement32(steps[1] * PAGE_SIZE - code.length - 5));
      const pointers = gpr.map((value, i) =>
        POINTERS.some((pointer) => pointer === i) ? MEMORY_START : value,
      );
      return { code: Uint8Array.from(code), start: { gpr: pointers, rflags: 2n }, data, entry };
    });
}

export const displacement32 = (value: number): number[] =>
  [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);

export function anyPagedProgram(): fc.Arbitrary<PagedProgram> {
  return fc
    .record({
      program: fc.oneof(
        {
          weight: 1,
          arbitrary: fc.oneof(anyProgram(), anyLoop()).map((program) => ({ ...program, entry: 0 })),
        },
        { weight: 4, arbitrary: anyBusyProgram() },
      ),
      mappings: fc.array(anyMapping(), { minLength: MAPPED_PAGES, maxLength: MAPPED_PAGES }),
      user: fc.boolean(),
      wp: fc.boolean(),
      smap: fc.nat(9).map((n) => n === 0),
      tlbEntries: fc.constantFrom(1, 2, 4, 64),
    })
    .map(({ program, mappings, ...rest }) => {
      const code = { frame: CODE_PAGE, flags: rest.user ? 7 : 3, noExecute: false };
      return { ...program, ...rest, mappings: [code, ...mappings.slice(1)] };
    });
}

export class PagedMachine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  readonly physical: PhysicalMemory;
  readonly translated: TranslatedMemory;
  readonly #tlbs: readonly Tlb[];

  /** With `beside`, one more CPU over the memory of another machine, with its own registers and TLBs. */
  constructor(
    program: PagedProgram,
    { io, beside }: { io?: MemoryMappedIo; beside?: PagedMachine } = {},
  ) {
    const cpus = beside === undefined ? 1 : 2;
    this.memory =
      beside?.memory ?? new PagedMemory(PHYSICAL_PAGES * PAGE_SIZE, MOST_CPUS * ENGINE_BYTES);
    this.physical = beside?.physical ?? new PhysicalMemory(this.memory, io);
    this.state = new CpuState(this.memory.wasm.buffer, (cpus - 1) * ENGINE_BYTES);
    this.#tlbs = [new Tlb(program.tlbEntries), new Tlb(program.tlbEntries)];
    if (beside === undefined) this.#fill(program);
    this.#setRegisters(program);
    const [data, fetch] = this.#tlbs as [Tlb, Tlb];
    this.translated = new TranslatedMemory(this.state, this.physical, data, fetch);
  }

  #fill(program: PagedProgram): void {
    this.#layTables(program);
    for (let page = CODE_PAGE; page < PHYSICAL_PAGES; page += 1) {
      this.memory.write(page * PAGE_SIZE, program.data);
    }
    // Code that crosses the end of its page goes on at the start of the frame that is mapped next.
    const { code, entry, mappings } = program;
    const room = Math.min(code.length, PAGE_SIZE - entry);
    this.memory.write(CODE_PAGE * PAGE_SIZE + entry, code.subarray(0, room));
    const next = (mappings[1]?.frame ?? 0) * PAGE_SIZE;
    if (room < code.length && next >= CODE_PAGE * PAGE_SIZE && next < PHYSICAL_PAGES * PAGE_SIZE) {
      this.memory.write(next, code.subarray(room));
    }
  }

  /** All that there is to compare: registers, memory, TLBs. */
  look(): string {
    const { buffer, byteOffset, length } = this.memory.bytes;
    const words = this.#tlbs.map(({ words: tlb }) => {
      const used: string[] = [];
      for (let at = 0; at < tlb.length; at += 6) {
        if (tlb[at + 5] !== 0) used.push(tlb.slice(at, at + 6).join(":"));
      }
      return used.join(",");
    });
    const state = Buffer.from(this.state.bytes()).toString("hex");
    return [state, ...words, Buffer.from(buffer, byteOffset, length).toString("latin1")].join(" ");
  }

  #layTables({ mappings }: PagedProgram): void {
    const link = (table: number, index: number, next: number): void =>
      this.memory.write64(table * PAGE_SIZE + 8 * index, BigInt(next * PAGE_SIZE + 7));
    link(0, 0, 1);
    link(1, 0, 2);
    link(2, 0, 3);
    const first = Number(MEMORY_START) / PAGE_SIZE;
    mappings.forEach(({ frame, flags, noExecute }, i) => {
      const entry = BigInt(frame * PAGE_SIZE + flags) | (noExecute ? 1n << 63n : 0n);
      this.memory.write64(3 * PAGE_SIZE + 8 * (first + i), entry);
    });
  }

  #setRegisters({ start, user, wp, smap, entry }: PagedProgram): void {
    const { state } = this;
    startLongMode(state, user ? 3 : 0);
    start.gpr.forEach((value, i) => state.setGpr(i, value));
    state.rflags = start.rflags;
    state.rip = MEMORY_START + BigInt(entry);
    state.setControl("CR0", (1n << 31n) | (wp ? 1n << 16n : 0n) | 0x33n);
    state.setControl("CR4", (1n << 5n) | 0x600n | (smap ? 1n << 21n : 0n));
  }
}

export interface RunningMachine {
  readonly machine: PagedMachine;
  run(limit: number): Fault | null;
}

export function referenceOn({ state, translated }: PagedMachine): ReferenceCpu {
  return new ReferenceCpu({ state, decoder, memory: translated, environment: BARE });
}

export function pagedReference(program: PagedProgram): RunningMachine {
  const machine = new PagedMachine(program);
  const cpu = referenceOn(machine);
  return {
    machine,
    run: (limit) => runTo(limit, machine.state, () => cpu.step()),
  };
}

export function interpreterOn(
  { state, memory, translated }: PagedMachine,
  heat: Heat = ORDINARY_HEAT,
): Interpreter {
  const area = { records: state.block + CPU_BYTES, recordBytes: RECORD_BYTES, heat };
  const direct: DirectMemory = translated;
  const parts = { state, decoder, memory: direct, environment: BARE };
  return new Interpreter(memory.wasm, parts, area);
}

export function pagedInterpreter(program: PagedProgram, heat?: Heat): RunningMachine {
  const machine = new PagedMachine(program);
  const cpu = interpreterOn(machine, heat);
  return { machine, run: (limit) => runTo(limit, machine.state, () => cpu.run(limit)) };
}
