/**
 * Arbitraries for machine code: programs of random instructions from the tables, and random register states whose
 * values mostly point into the memory that the program has.
 */

import fc from "fast-check";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { Decoder } from "../../src/hw/cpu/decode.ts";
import { FlatMemory } from "../../src/hw/cpu/flat-memory.ts";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { CpuState } from "../../src/hw/cpu/state.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";

export const decoder = new Decoder(INSTRUCTIONS);

/** Linear address of the program's memory; code lies at its start, data after it. */
export const MEMORY_START = 0x10_0000n;
const MEMORY_BYTES = 4 * 4096;
const CODE_BYTES = 4096;
const RECORD_BYTES = 1 << 20;
const ENGINE_BYTES = CPU_BYTES + RECORD_BYTES;

export interface StartState {
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
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
      weight: 6,
      arbitrary: fc.bigInt({
        min: MEMORY_START + 4096n,
        max: MEMORY_START + BigInt(MEMORY_BYTES) - 64n,
      }),
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

export function anyRegister(): fc.Arbitrary<bigint> {
  return fc.oneof(
    { weight: 3, arbitrary: anyPointer() },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { weight: 2, arbitrary: fc.constantFrom(...EDGES) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 64n }) },
  );
}

const STATUS = 0x8d5n;

export function anyStartState(): fc.Arbitrary<StartState> {
  return fc.record({
    gpr: fc.array(anyRegister(), { minLength: 16, maxLength: 16 }),
    rflags: fc.bigInt({ min: 0n, max: 0xfffn }).map((bits) => (bits & STATUS) | 2n),
  });
}

const FORMS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms).filter(({ modes }) =>
  modes.startsWith("V"),
);

/** The bytes of one instruction of a random form, with random operands; small displacements and branches. */
export function anyInstructionBytes(): fc.Arbitrary<number[]> {
  return fc
    .record({
      form: fc.constantFrom(...FORMS),
      rex: fc.option(fc.nat(15), { nil: null }),
      modrm: fc.nat(255),
      sib: fc.nat(255),
      displacement: fc.integer({ min: -128, max: 127 }),
      immediate: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(...EDGES)),
      branch: fc.integer({ min: -24, max: 40 }),
    })
    .map((draw) => encode(draw));
}

interface Draw {
  readonly form: Form;
  readonly rex: number | null;
  readonly modrm: number;
  readonly sib: number;
  readonly displacement: number;
  readonly immediate: bigint;
  readonly branch: number;
}

const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

function encode({ form, rex, modrm, sib, displacement, immediate, branch }: Draw): number[] {
  const bytes: number[] = [];
  if (form.operandSize === 16 && form.prefix === null) bytes.push(0x66);
  if (form.prefix !== null && form.prefix !== "NP") bytes.push(Number.parseInt(form.prefix, 16));
  const rexByte = (form.rexW === true ? 8 : 0) | ((rex ?? 0) & 7);
  if (rexByte !== 0 || rex !== null) bytes.push(0x40 | rexByte);
  bytes.push(...MAP_BYTES[form.map], form.opcode + (form.plusRegister ? modrm & 7 : 0));
  if (form.modrm !== null) bytes.push(...encodeModRm(form, modrm, sib, displacement));
  for (const size of form.immediates) {
    const relative = form.operands.some(({ kind }) => kind === "relative");
    const value = relative ? BigInt(branch) : immediate;
    for (let i = 0; i < size; i += 1) bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
  }
  if (form.operands.some(({ kind }) => kind === "moffs")) {
    for (let i = 0; i < 8; i += 1)
      bytes.push(Number(((MEMORY_START + 4096n + BigInt(sib)) >> BigInt(8 * i)) & 0xffn));
  }
  return bytes;
}

function encodeModRm(form: Form, drawn: number, sib: number, displacement: number): number[] {
  const { digit, fixed, allows } = form.modrm as NonNullable<Form["modrm"]>;
  if (fixed !== null) return [fixed];
  let mod = drawn >> 6;
  if (allows === "memory" && mod === 3) mod = 1;
  if (allows === "register") mod = 3;
  const reg = digit ?? (drawn >> 3) & 7;
  const rm = drawn & 7;
  const bytes = [(mod << 6) | (reg << 3) | rm];
  if (mod !== 3 && rm === 4) bytes.push(sib);
  const absolute = mod === 0 && (rm === 5 || (rm === 4 && (sib & 7) === 5));
  if (mod === 1) bytes.push(displacement & 0xff);
  if (mod === 2 || absolute)
    for (let i = 0; i < 4; i += 1) bytes.push((displacement >> (8 * i)) & 0xff);
  return bytes;
}

export function anyProgram(): fc.Arbitrary<Program> {
  return fc.record({
    code: fc
      .array(anyInstructionBytes(), { minLength: 1, maxLength: 24, size: "max" })
      .map((list) => Uint8Array.from(list.flat())),
    start: anyStartState(),
    data: fc.uint8Array({ minLength: 64, maxLength: 64 }),
  });
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
  const cpu = new ReferenceCpu(state, decoder, flat);
  return {
    state,
    memory,
    run(limit) {
      let fault = null;
      while (fault === null && state.cycles < limit) fault = cpu.step();
      return fault;
    },
  };
}

export function interpretedMachine(program: Program): Machine {
  const { state, memory, flat } = machine(program);
  const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES };
  const cpu = new Interpreter(memory.wasm, state, decoder, flat, area);
  return { state, memory, run: (limit) => cpu.run(limit) };
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
  start.gpr.forEach((value, i) => state.setGpr(i, value));
  state.rflags = start.rflags;
  state.rip = MEMORY_START;
  return { state, memory, flat };
}

/** All that a program can see of a machine, as text. */
export function look({ state, memory }: Machine): string {
  const registers = Array.from({ length: 16 }, (_, i) => state.gpr(i).toString(16));
  const bytes = Buffer.from(
    memory.bytes.buffer,
    memory.bytes.byteOffset,
    memory.bytes.length,
  ).toString("latin1");
  return [
    ...registers,
    state.rip.toString(16),
    state.rflags.toString(16),
    state.cycles,
    bytes,
  ].join(" ");
}
