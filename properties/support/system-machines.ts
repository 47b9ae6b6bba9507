/**
 * Whole CPUs in any mode: descriptor tables, gates, task-state segments and page tables drawn at random around code
 * that is drawn at random, with interrupts from outside. Most of what is drawn is valid, so that transfers succeed.
 */

import fc from "fast-check";
import { Cpu, type Stop } from "../../src/hw/cpu/cpu.ts";
import { type CpuProfile, INTEL } from "../../src/hw/cpu/cpuid/profile.ts";
import type { CodeSize } from "../../src/hw/cpu/decode.ts";
import { Interpreter } from "../../src/hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../src/hw/cpu/engine/layout.ts";
import { BareEnvironment } from "../../src/hw/cpu/environment.ts";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { makeVirtualization } from "../../src/hw/cpu/make-virtualization.ts";
import { PhysicalMemory } from "../../src/hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../../src/hw/cpu/reference.ts";
import { reset, startLongMode } from "../../src/hw/cpu/start.ts";
import { CR0, CpuState, PENDING, RFLAGS, RIGHTS } from "../../src/hw/cpu/state.ts";
import { Tlb } from "../../src/hw/cpu/tlb.ts";
import { TranslatedMemory } from "../../src/hw/cpu/translated-memory.ts";
import { SEGMENT_NAMES } from "../../src/hw/cpu/uop.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { decoder, HOT } from "./programs.ts";

/** Of the program. */
export const MEMORY_BYTES = 0x2_0000;
const RECORD_BYTES = 1 << 19;
/** Where things lie. */
const AT = {
  idt: 0x800,
  gdt: 0x1800,
  ldt: 0x1c00,
  tss: 0x1d00,
  tables: 0x2000,
  handlers: 0x6000,
  code: 0x8000,
  data: 0xa000,
  stack: 0xf000,
} as const;

export const MODES = [
  "real",
  "virtual-8086",
  "16-bit",
  "32-bit",
  "compatibility",
  "64-bit",
] as const;
export type StartMode = (typeof MODES)[number];

const CODE_SIZES: Readonly<Record<StartMode, CodeSize>> = {
  real: 16,
  "virtual-8086": 16,
  "16-bit": 16,
  "32-bit": 32,
  compatibility: 32,
  "64-bit": 64,
};

export interface SystemProgram {
  readonly mode: StartMode;
  readonly cpl: number;
  readonly code: Uint8Array;
  readonly handlers: readonly Uint8Array[];
  readonly gdt: readonly bigint[];
  readonly gates: readonly bigint[];
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
  /** Bytes that fill data and stacks. */
  readonly data: Uint8Array;
  /** What comes from outside, after so many cycles more. */
  readonly events: readonly { readonly after: number; readonly kind: "NMI" | "INTR" }[];
}

const ROWS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms);

/** A row with random fields, cut to its length. */
function anyInstruction(code: CodeSize): fc.Arbitrary<Uint8Array> {
  const column = code === 64 ? 0 : 1;
  const rows = ROWS.filter(({ modes }) => modes.split("/")[column] === "V");
  const families = new Map<string, Form[]>();
  for (const row of rows) {
    const family = /^(SET|CMOV|J)/.exec(row.mnemonic)?.[0] ?? row.mnemonic;
    families.set(family, [...(families.get(family) ?? []), row]);
  }
  const isSystem = (rowsOf: readonly Form[]): boolean =>
    SYSTEM_NAMES.test(rowsOf[0]?.mnemonic ?? "");
  const all = [...families.values()];
  const pick = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...all.filter(isSystem)) },
    { weight: 2, arbitrary: fc.constantFrom(...all.filter((family) => !isSystem(family))) },
  );
  return fc
    .record({
      family: pick,
      row: fc.nat(1000),
      fields: fc.array(fc.nat(255), { minLength: 12, maxLength: 12 }),
      memory: fc.boolean(),
      selector: anySelector(),
      prefix: fc.nat(60),
    })
    .map(({ family, row, fields, memory, selector, prefix }) => {
      const form = family[row % family.length] as Form;
      return encodeLoosely(form, code, { fields, memory, selector, prefix });
    });
}

const SYSTEM_NAMES =
  /^(INT|IRET|CALL|JMP|RET|RETF|PUSHF|POPF|STI|CLI|HLT|L[DEFGS]S|MOV|PUSH|POP|ENTER|LEAVE|BOUND|SYS|L[LAIGMST]|S[GILTM]|VER|ARPL|CLTS|IN|OUT)/;

interface Draw {
  readonly fields: readonly number[];
  readonly memory: boolean;
  readonly selector: number;
  readonly prefix: number;
}

const OVERRIDES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0x66, 0xf2, 0xf3, 0xf0];
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

function encodeLoosely(form: Form, code: CodeSize, draw: Draw): Uint8Array {
  const bytes: number[] = [];
  const override = OVERRIDES[draw.prefix];
  if (override !== undefined) bytes.push(override);
  const natural = code === 16 ? 16 : 32;
  const size = form.operandSize;
  if (size !== null && size !== 64 && size !== natural && form.prefix === null) bytes.push(0x66);
  if (form.prefix !== null && /^(66|F3|F2)$/.test(form.prefix))
    bytes.push(Number.parseInt(form.prefix, 16));
  if (form.rexW === true) bytes.push(0x48);
  const [first = 0, ...rest] = draw.fields;
  bytes.push(...MAPS[form.map], form.opcode + (form.plusRegister ? first & 7 : 0));
  if (form.modrm !== null) bytes.push(modrmOf(form, draw, first));
  const isFar = form.operands.some(({ kind }) => kind === "farPointer");
  if (isFar) {
    const offset = [rest[0] as number, AT.code >> 8, ...(form.immediates[0] === 6 ? [0, 0] : [])];
    bytes.push(...offset, draw.selector & 0xff, draw.selector >> 8);
  }
  const whole = Uint8Array.from([...bytes, ...rest]);
  const decoded = decoder.decode(whole, code);
  return whole.subarray(0, typeof decoded === "object" ? decoded.length : bytes.length);
}

function modrmOf({ modrm, operands }: Form, { memory }: Draw, byte: number): number {
  if (modrm === null || modrm.fixed !== null) return modrm?.fixed ?? 0;
  const isSegment = operands.some(({ kind }) => kind === "segmentReg");
  const reg = modrm.digit ?? (isSegment ? (byte >> 3) % 6 : (byte >> 3) & 7);
  const inMemory = modrm.allows === "any" ? memory : modrm.allows === "memory";
  // [rBX] or [BP + DI], [rSI] or [rBP], with a displacement of one byte; or a register.
  return ((inMemory ? 1 : 3) << 6) | (reg << 3) | (byte & 7);
}

/** Mostly one of the table, with any RPL. */
function anySelector(): fc.Arbitrary<number> {
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.nat(GDT_ENTRIES), fc.nat(3)).map(([i, rpl]) => 8 * i + rpl),
    },
    { weight: 1, arbitrary: fc.nat(0xffff) },
  );
}

const GDT_ENTRIES = 24;
const [CODE, DATA, SYSTEM] = [0, 1, 2];

/** A descriptor: code, data, or a gate. */
function anyDescriptor(): fc.Arbitrary<bigint> {
  return fc
    .record({
      kind: fc.oneof(
        { weight: 4, arbitrary: fc.constant(CODE) },
        { weight: 3, arbitrary: fc.constant(DATA) },
        { weight: 2, arbitrary: fc.constant(SYSTEM) },
      ),
      type: fc.nat(7),
      level: fc.constantFrom(0, 0, 3, 3, 1, 2),
      present: fc.nat(9),
      size: fc.constantFrom(RIGHTS.big, RIGHTS.long, 0, RIGHTS.big),
      limit: fc.constantFrom(0xf_ffff, 0xffff, 0xffff, 0x9fff, 0xf),
      granular: fc.boolean(),
      base: fc.constantFrom(0, 0, 0, 0x10, 0x800),
      target: fc.tuple(fc.nat(GDT_ENTRIES), fc.nat(3)),
      gate: fc.constantFrom(4, 12, 12, 5, 2, 9),
      handler: fc.nat(HANDLERS - 1),
    })
    .map((drawn) => {
      const { kind, type, level, present, size, limit, granular, base, target, gate, handler } =
        drawn;
      if (kind === SYSTEM)
        return gateOf(gate, level, present > 0, 8 * target[0] + target[1], handler);
      const rights =
        (kind === CODE ? 8 | type : type) |
        RIGHTS.s |
        (level << 5) |
        (present > 0 ? RIGHTS.present : 0) |
        size |
        (granular ? RIGHTS.granularity : 0);
      return descriptorOf(base, limit, rights);
    });
}

function descriptorOf(base: number, limit: number, rights: number): bigint {
  const low = ((base & 0xffff) << 16) | (limit & 0xffff);
  const high = (base & 0xff00_0000) | (rights << 8) | (limit & 0xf_0000) | ((base >>> 16) & 0xff);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

const HANDLERS = 8;
const HANDLER_BYTES = 64;

function gateOf(
  type: number,
  level: number,
  present: boolean,
  selector: number,
  handler: number,
): bigint {
  const offset = AT.handlers + handler * HANDLER_BYTES;
  const high = (type << 8) | (level << 13) | (present ? 0x8000 : 0);
  return (BigInt(high) << 32n) | BigInt(((selector << 16) | offset) >>> 0);
}

/** The vectors that have a gate; the rest repeat them. */
const GATES = 32;

function anyGate(): fc.Arbitrary<bigint> {
  return fc
    .record({
      type: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(14, 15) },
        { weight: 3, arbitrary: fc.constantFrom(6, 7) },
        { weight: 1, arbitrary: fc.nat(31) },
      ),
      level: fc.constantFrom(0, 3, 3),
      present: fc.nat(20),
      selector: anySelector(),
      usual: fc.nat(3),
      handler: fc.nat(HANDLERS - 1),
    })
    .map(({ type, level, present, selector, usual, handler }) =>
      // Entry 1 of the table is always good code of level 0.
      gateOf(type, level, present > 0, usual > 0 ? 8 : selector, handler),
    );
}

const anyBytes = (code: CodeSize, most: number): fc.Arbitrary<Uint8Array> =>
  fc
    .array(anyInstruction(code), { minLength: 1, maxLength: most, size: "max" })
    .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

/** What handlers begin with: dropping an error code, or not; and how they end. */
const IRET = { 16: [0xcf], 32: [0xcf], 64: [0x48, 0xcf] } as const;

export function anySystemProgram(modes: readonly StartMode[] = MODES): fc.Arbitrary<SystemProgram> {
  return fc.constantFrom(...modes).chain((mode) => {
    const size = CODE_SIZES[mode];
    // Handlers run in the mode of the operating system below.
    const handlerSize = mode === "compatibility" ? 64 : mode === "virtual-8086" ? 32 : size;
    return fc.record({
      mode: fc.constant(mode),
      cpl: mode === "real" ? fc.constant(0) : fc.constantFrom(0, 0, 3, 3, 1),
      code: anyBytes(size, 24),
      handlers: fc.array(
        anyBytes(handlerSize, 3).map((bytes) => Uint8Array.from([...bytes, ...IRET[handlerSize]])),
        { minLength: HANDLERS, maxLength: HANDLERS },
      ),
      gdt: fc.array(anyDescriptor(), { minLength: GDT_ENTRIES, maxLength: GDT_ENTRIES }),
      gates: fc.array(anyGate(), { minLength: GATES, maxLength: GATES }),
      gpr: fc.array(anyRegister(), { minLength: 16, maxLength: 16 }),
      rflags: fc
        .tuple(fc.bigInt({ min: 0n, max: 0x3f_ffffn }), fc.nat(3), fc.nat(5))
        .map(([bits, quiet, traced]) => {
          const mask = quiet > 0 ? 0xcd5n | RFLAGS.IF | RFLAGS.IOPL : 0x25_7fd5n & ~RFLAGS.VM;
          return (bits & mask & (traced === 0 ? -1n : ~RFLAGS.TF)) | 2n;
        }),
      data: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      events: fc.array(
        fc.record({
          after: fc.integer({ min: 1, max: 40 }),
          kind: fc.constantFrom("NMI" as const, "INTR" as const),
        }),
        { maxLength: 6 },
      ),
    });
  });
}

const anyRegister = (): fc.Arbitrary<bigint> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.bigInt({ min: BigInt(AT.data), max: BigInt(AT.data) + 0x3000n }) },
    { weight: 2, arbitrary: anySelector().map(BigInt) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  );

/** INTR and ports, told by a test. */
class Wires extends BareEnvironment {
  vector: number | null = null;
  readonly written: string[] = [];

  override isInterruptAsserted(): boolean {
    return this.vector !== null;
  }

  override acknowledgeInterrupt(): number {
    const { vector } = this;
    this.vector = null;
    return vector ?? 0;
  }

  override readPort(port: number, size: number): number {
    return (port * 0x01_0193) % 2 ** (8 * size);
  }

  override writePort(port: number, size: number, value: number): void {
    this.written.push(`${port}/${size}=${value}`);
  }
}

/** What is around the program; INTEL without its virtualisation where not said. */
export interface Around {
  readonly profile?: CpuProfile;
  readonly isVirtualized?: boolean;
  /** Of memory behind the program's. */
  readonly moreBytes?: number;
  readonly tlbEntries?: number;
}

const RSP = 4;
/** PML4, PDPT and PD of an identity mapping of 2 MiB pages that everybody may use. */
const [USER_TABLE, LARGE] = [7n, 0x87n];

export class SystemMachine {
  readonly state: CpuState;
  readonly memory: PagedMemory;
  readonly translated: TranslatedMemory;
  readonly cpu: Cpu;
  readonly #wires: Wires;
  readonly #tlbs: readonly Tlb[];

  constructor(
    program: SystemProgram,
    engine: "reference" | "interpreter",
    { profile = INTEL, isVirtualized = false, moreBytes = 0, tlbEntries = 64 }: Around = {},
  ) {
    this.memory = new PagedMemory(MEMORY_BYTES + moreBytes, CPU_BYTES + RECORD_BYTES);
    this.#wires = new Wires(profile);
    this.state = new CpuState(this.memory.wasm.buffer, 0);
    this.#fill(program);
    this.#start(program);
    const { state } = this;
    this.#tlbs = [new Tlb(tlbEntries), new Tlb(tlbEntries)];
    const [data, fetch] = this.#tlbs as [Tlb, Tlb];
    const physical = new PhysicalMemory(this.memory);
    const memory = new TranslatedMemory(state, physical, data, fetch, profile);
    this.translated = memory;
    const around = { state, memory, physical, environment: this.#wires };
    const virtualization = isVirtualized ? makeVirtualization(around) : undefined;
    const parts = { ...around, decoder, virtualization };
    const area = { records: CPU_BYTES, recordBytes: RECORD_BYTES, heat: HOT };
    this.cpu = new Cpu(
      parts,
      engine === "reference"
        ? new ReferenceCpu(parts)
        : new Interpreter(this.memory.wasm, parts, area),
    );
  }

  /** Runs on; what comes from outside comes at its time. */
  run(cycles: number, event: "NMI" | "INTR" | null, vector: number): Stop {
    const { state } = this;
    const limit = state.cycles + cycles;
    const stop = this.cpu.run(limit);
    // Time goes on while nothing happens.
    state.cycles = Math.max(state.cycles, limit);
    if (event === "NMI") state.pending |= PENDING.nmi;
    if (event === "INTR") {
      this.#wires.vector = vector;
      state.attention = true;
    }
    return stop;
  }

  get written(): string {
    return this.#wires.written.join(" ");
  }

  /** All that there is to compare. */
  look(): string {
    const { buffer, byteOffset, length } = this.memory.bytes;
    const words = this.#tlbs.map(({ words: tlb }) => tlb.join(","));
    return [
      Buffer.from(this.state.bytes()).toString("hex"),
      ...words,
      this.written,
      Buffer.from(buffer, byteOffset, length).toString("latin1"),
    ].join("|");
  }

  #fill({ mode, code, handlers, gdt, gates, data }: SystemProgram): void {
    const { memory } = this;
    const long = isLong(mode);
    for (let at = AT.data; at < MEMORY_BYTES; at += data.length) memory.write(at, data);
    memory.write(AT.code, code);
    handlers.forEach((bytes, i) => {
      memory.write(AT.handlers + HANDLER_BYTES * i, bytes.subarray(0, HANDLER_BYTES));
    });
    for (let vector = 0; vector < 256; vector += 1) {
      const gate = gates[vector % GATES] as bigint;
      if (mode === "real") {
        memory.write(4 * vector, word32(AT.handlers + HANDLER_BYTES * (vector % HANDLERS)));
      } else {
        memory.write64(AT.idt + (long ? 16 : 8) * vector, gate);
        if (long) memory.write64(AT.idt + 16 * vector + 8, 0n);
      }
    }
    gdt.forEach((descriptor, i) => {
      memory.write64(AT.gdt + 8 * (i + 1), descriptor);
      memory.write64(AT.ldt + 8 * (i % 8), descriptor);
    });
    const kernel = RIGHTS.s | RIGHTS.present | RIGHTS.granularity | 0xb;
    memory.write64(AT.gdt + 8, descriptorOf(0, 0xf_ffff, kernel | sizeOfHandlers(mode)));
    memory.write64(AT.gdt + 16, descriptorOf(0, 0xf_ffff, 0x93 | RIGHTS.big | RIGHTS.granularity));
    this.#fillTss(long);
    memory.write64(AT.tables, BigInt(AT.tables + 0x1000) | USER_TABLE);
    memory.write64(AT.tables + 0x1000, BigInt(AT.tables + 0x2000) | USER_TABLE);
    memory.write64(AT.tables + 0x2000, LARGE);
  }

  #fillTss(long: boolean): void {
    const { memory } = this;
    for (let level = 0; level < 3; level += 1) {
      const top = AT.stack + 0x800 * level;
      if (long) {
        memory.write64(AT.tss + 4 + 8 * level, BigInt(top));
      } else {
        memory.write(AT.tss + 4 + 8 * level, word32(top));
        memory.write(AT.tss + 8 + 8 * level, word32(level === 0 ? 16 : 8 * (level + 4) + level));
      }
    }
    if (!long) return;
    for (let ist = 1; ist < 8; ist += 1)
      memory.write64(AT.tss + 28 + 8 * ist, BigInt(AT.stack + 0x100 * ist));
  }

  #start({ mode, cpl, gpr, rflags }: SystemProgram): void {
    const { state } = this;
    reset(state, INTEL.signature);
    if (isLong(mode)) startLongMode(state, 3);
    else if (mode !== "real") state.setControl("CR0", CR0.PE | CR0.ET | CR0.NE);
    else state.setControl("CR0", CR0.ET);
    state.setControl("CR3", BigInt(AT.tables));
    gpr.forEach((value, i) => state.setGpr(i, isLong(mode) ? value : BigInt.asUintN(32, value)));
    state.setGpr(RSP, BigInt(AT.stack - 0x400));
    state.rflags = rflags | (mode === "virtual-8086" ? RFLAGS.VM : 0n);
    state.rip = BigInt(AT.code);
    state.setTable("GDTR", { base: BigInt(AT.gdt), limit: 8 * GDT_ENTRIES + 7 });
    state.setTable("IDTR", { base: BigInt(mode === "real" ? 0 : AT.idt), limit: 0xfff });
    const busyTss = RIGHTS.present | 0xb;
    state.setSystemSegment("TR", {
      selector: 0x40,
      base: BigInt(AT.tss),
      limit: 0x67,
      rights: busyTss,
    });
    state.setSystemSegment("LDTR", {
      selector: 0x48,
      base: BigInt(AT.ldt),
      limit: 0x3f,
      rights: 0x82,
    });
    if (mode !== "real") this.#startSegments(mode, mode === "virtual-8086" ? 3 : cpl);
    else state.setSegment("CS", { selector: 0, base: 0n, limit: 0xffff, rights: 0x93 });
  }

  #startSegments(mode: StartMode, cpl: number): void {
    const { state } = this;
    const virtual = mode === "virtual-8086";
    const short = virtual || mode === "16-bit";
    const limit = short ? 0xffff : 0xffff_ffff;
    const size = short ? 0 : RIGHTS.big;
    for (const name of SEGMENT_NAMES) {
      const rights = RIGHTS.s | RIGHTS.present | (cpl << 5) | 3 | size;
      state.setSegment(name, { selector: virtual ? 0 : 0x10 | cpl, base: 0n, limit, rights });
    }
    if (virtual) return;
    const long = mode === "64-bit" ? RIGHTS.long : size;
    const rights = RIGHTS.s | RIGHTS.present | (cpl << 5) | 0xb | long;
    state.setSegment("CS", { selector: 8 | cpl, base: 0n, limit, rights });
  }
}

const isLong = (mode: StartMode): boolean => mode === "compatibility" || mode === "64-bit";

const sizeOfHandlers = (mode: StartMode): number =>
  isLong(mode) ? RIGHTS.long : mode === "16-bit" ? 0 : RIGHTS.big;

const word32 = (value: number): Uint8Array =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
