/**
 * Arbitraries for machine code: programs of random instructions from the tables, and random register states whose
 * values mostly point into the memory that the program has.
 */

import fc from "fast-check";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES, type Heat, ORDINARY_HEAT } from "../../src/hw/cpu/engine/layout.ts";
import { INTEL } from "../../src/hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { BareEnvironment } from "../../src/hw/cpu/environment.ts";
import type { Fault } from "../../src/hw/cpu/fault.ts";
import { FlatMemory } from "../../src/hw/cpu/flat-memory.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { startLongMode } from "../../src/hw/cpu/start.ts";
import { CpuState, CR4 } from "../../src/hw/cpu/state.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { anyDraw, anyPlain, assemble, type Draw, POINTERS } from "./encodings.ts";
import { anyMxcsr, anyVector } from "./vectors.ts";
import { anyX87, INITIAL_X87, lookAtX87, startX87, type X87Start } from "./x87.ts";

export const decoder = new Decoder(INSTRUCTIONS);
export const BARE = new BareEnvironment(INTEL);

/** Linear address of the program's memory; code lies at its start, data after it. */
export const MEMORY_START = 0x10_0000n;
const MEMORY_BYTES = 4 * 4096;
const CODE_BYTES = 4096;
const RECORD_BYTES = 1 << 20;
const ENGINE_BYTES = CPU_BYTES + RECORD_BYTES;

export interface StartState {
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
  /** Zeros where absent. */
  readonly xmm?: readonly bigint[];
  readonly mxcsr?: number;
  /** As a reset leaves it where absent. */
  readonly x87?: X87Start;
  /** Of FS and GS. */
  readonly segmentBase?: bigint;
}

/** A program with the state that it starts from. */
export interface Program {
  readonly code: Uint8Array;
  readonly start: StartState;
  readonly data: Uint8Array;
}

const EDGES = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffff_ffffn,
  0x8000_0000n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const anyPointer = (): fc.Arbitrary<bigint> =>
  fc.oneof(
    {
      weight: 40,
      arbitrary: fc
        .bigInt({
          min: MEMORY_START + 4096n + 128n,
          max: MEMORY_START + BigInt(MEMORY_BYTES) - 400n,
        })
        .map((pointer) => ((pointer >> 8n) % 8n === 0n ? pointer : pointer & ~15n)),
    },
    { weight: 1, arbitrary: fc.bigInt({ min: MEMORY_START - 8n, max: MEMORY_START + 16n }) },
    {
      weight: 1,
      arbitrary: fc.bigInt({
        min: MEMORY_START + BigInt(MEMORY_BYTES) - 8n,
        max: MEMORY_START + BigInt(MEMORY_BYTES) + 8n,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(0x7fff_ffff_ffffn, 0x8000_0000_0000n, 0xffff_8000_0000_0000n),
    },
  );

function anyValue(): fc.Arbitrary<bigint> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 64n }) },
    { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
    { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { weight: 1, arbitrary: anyPointer() },
  );
}

const STATUS_AND_DIRECTION = 0xcd5n;
const RSP = 4;

export function anyStartState(): fc.Arbitrary<StartState> {
  return fc.record({
    gpr: fc
      .tuple(
        fc.array(anyValue(), { minLength: 16, maxLength: 16 }),
        fc.array(anyPointer(), { minLength: POINTERS.length, maxLength: POINTERS.length }),
        fc.oneof(
          { weight: 8, arbitrary: fc.integer({ min: 32, max: 1000 }) },
          { weight: 1, arbitrary: fc.integer({ min: 1530, max: 1545 }) },
        ),
      )
      .map(([values, pointers, slot]) => {
        const gpr = [...values];
        POINTERS.forEach((register, i) => {
          gpr[register] = pointers[i] as bigint;
        });
        gpr[RSP] = MEMORY_START + 4096n + 8n * BigInt(slot);
        return gpr;
      }),
    xmm: fc.array(anyVector(), { minLength: 16, maxLength: 16 }),
    mxcsr: anyMxcsr(),
    x87: anyX87(),
    rflags: fc.bigInt({ min: 0n, max: 0xfffn }).map((bits) => (bits & STATUS_AND_DIRECTION) | 2n),
    segmentBase: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.bigInt({ min: -64n, max: 64n }).map((n) => BigInt.asUintN(64, n)),
      },
      { weight: 1, arbitrary: anyPointer() },
    ),
  });
}

/** Eight words that fill the data: values, and addresses of instructions for returns and jumps to find. */
function anyData(): fc.Arbitrary<readonly (bigint | number)[]> {
  const word = fc.oneof<fc.Arbitrary<bigint | number>[]>(fc.nat(23), anyValue());
  return fc.array(word, { minLength: 8, maxLength: 8 });
}

export const anyProgram = (): fc.Arbitrary<Program> => programOf(anyDraw(EDGES));

/** A loop with branches, of instructions that seldom fault; some pointers point to the end of a page. */
export function anyLoop(): fc.Arbitrary<Program> {
  const edge = fc
    .tuple(fc.integer({ min: 2, max: 3 }), fc.nat(40))
    .map(([page, n]) => MEMORY_START + BigInt(4096 * page - n));
  return fc
    .record({
      program: programOf(anyDraw(EDGES, anyPlain)),
      edges: fc.array(fc.option(edge), { minLength: POINTERS.length, maxLength: POINTERS.length }),
    })
    .map(({ program: { start, ...rest }, edges }) => {
      const gpr = [...start.gpr];
      POINTERS.forEach((register, i) => {
        gpr[register] = edges[i] ?? (gpr[register] as bigint);
      });
      return { ...rest, start: { ...start, gpr } };
    });
}

function programOf(draw: fc.Arbitrary<Draw>): fc.Arbitrary<Program> {
  return fc
    .record({
      draws: fc.array(draw, { minLength: 1, maxLength: 24, size: "max" }),
      start: anyStartState(),
      words: anyData(),
    })
    .map(({ draws, start, words }) => {
      const { code, starts } = assemble(draws);
      const data = new Uint8Array(8 * words.length);
      const view = new DataView(data.buffer);
      words.forEach((word, i) => {
        const target = typeof word === "number" ? starts[word % starts.length] : undefined;
        const value = typeof word === "bigint" ? word : MEMORY_START + BigInt(target ?? 0);
        view.setBigUint64(8 * i, value, true);
      });
      return { code, start, data };
    });
}

/** An engine may stop early, for somebody to look: it goes on. */
export function runTo(limit: number, state: CpuState, go: () => Fault | null): Fault | null {
  let fault = null;
  while (fault === null && state.cycles < limit) fault = go();
  return fault;
}

/** A CPU of either engine with a memory of its own. */
export interface Machine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  /** Runs to the first instruction boundary at or past `limit`, or to a fault. */
  run(limit: number): ReturnType<ReferenceCpu["step"]>;
}

export function referenceMachine(program: Program): Machine {
  const { state, memory, flat } = machine(program);
  const cpu = new ReferenceCpu({ state, decoder, memory: flat, environment: BARE });
  return {
    state,
    memory,
    run: (limit) => runTo(limit, state, () => cpu.step()),
  };
}

/** Blocks become trees soon. */
export const HOT: Heat = { samples: 3, cycles: 1, trees: 2 };

export function interpretedMachine(program: Program, heat: Heat = ORDINARY_HEAT): Machine {
  const { state, memory, flat } = machine(program);
  const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES, heat };
  const parts = { state, decoder, memory: flat, environment: BARE };
  const cpu = new Interpreter(memory.wasm, parts, area);
  return { state, memory, run: (limit) => runTo(limit, state, () => cpu.run(limit)) };
}

function machine({ code, start, data }: Program): {
  state: CpuState;
  memory: PagedMemory;
  flat: FlatMemory;
} {
  const memory = new PagedMemory(MEMORY_BYTES, ENGINE_BYTES);
  const state = new CpuState(memory.wasm.buffer, 0);
  const flat = new FlatMemory(memory, MEMORY_START);
  memory.write(0, code.subarray(0, CODE_BYTES));
  for (let at = CODE_BYTES; at < MEMORY_BYTES; at += data.length) memory.write(at, data);
  startLongMode(state, 0);
  state.setControl("CR4", state.control("CR4") | CR4.OSXSAVE);
  start.gpr.forEach((value, i) => state.setGpr(i, value));
  start.xmm?.forEach((value, i) => state.setXmm(i, value));
  state.mxcsr = start.mxcsr ?? 0x1f80;
  startX87(state, start.x87 ?? INITIAL_X87);
  state.rflags = start.rflags;
  for (const name of ["FS", "GS"] as const)
    state.setSegment(name, { ...state.segment(name), base: start.segmentBase ?? 0n });
  state.rip = MEMORY_START;
  return { state, memory, flat };
}

/** All that a program can see of a machine, as text. */
export function look({ state, memory }: Machine): string {
  const registers = Array.from({ length: 16 }, (_, i) => state.gpr(i).toString(16));
  const vectors = Array.from({ length: 16 }, (_, i) => state.xmm(i).toString(16));
  const bytes = Buffer.from(
    memory.bytes.buffer,
    memory.bytes.byteOffset,
    memory.bytes.length,
  ).toString("latin1");
  return [
    ...registers,
    ...vectors,
    state.mxcsr.toString(16),
    lookAtX87(state),
    state.xcr0.toString(16),
    state.rip.toString(16),
    state.rflags.toString(16),
    state.cycles,
    bytes,
  ].join(" ");
}
