/**
 * Arbitraries for single instructions: a row of the tables with operands, encoded. Most are tame, so that programs of
 * them run on: addresses are based on registers that hold pointers, results go to registers that do not. Some are wild.
 */

import fc from "fast-check";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { type Instruction, record } from "../../src/hw/cpu/instruction.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { SYSTEM_INSTRUCTIONS } from "../../src/hw/cpu/isa/system/index.ts";

/** Registers that hold pointers at the start, by number: rBX, rBP, rSI, rDI, r12 to r15. rSP is one too. */
export const POINTERS: readonly number[] = [3, 5, 6, 7, 12, 13, 14, 15];
const BASES = [...POINTERS, 4];
const RESULTS = [0, 1, 2, 8, 9, 10, 11];
const RSP = 4;

interface Candidate {
  readonly instruction: Instruction;
  readonly form: Form;
}

/** System instructions change what a program runs on; laws of their own draw them. */
const isSystem = (instruction: Instruction): boolean => SYSTEM_INSTRUCTIONS.includes(instruction);

const CANDIDATES: readonly Candidate[] = INSTRUCTIONS.filter(
  (instruction) => !isSystem(instruction),
).flatMap((instruction) =>
  instruction.forms
    .filter(({ modes }) => modes.startsWith("V"))
    .map((form) => ({ instruction, form })),
);

/** Rows that fault, or go astray, with most values. */
const isRisky = ({ instruction, form }: Candidate): boolean =>
  /^(UD\d|I?DIV|RET|CLFLUSH|LEAVE|XLATB|X[GS]ETBV|X(SAVE|RSTOR)\w*)$/.test(instruction.mnemonic) ||
  (/^(CALL|JMP)$/.test(instruction.mnemonic) && form.modrm !== null) ||
  (instruction.mnemonic.startsWith("BT") && form.immediates.length === 0) ||
  (instruction.mnemonic === "CMPXCHG16B" && form.modrm !== null);

/** Instructions are equally likely, those of one condition counting as one. */
const familyOf = ({ instruction, form }: Candidate): string =>
  /^(SET|CMOV|J)/.exec(instruction.mnemonic)?.[0] ?? `${instruction.mnemonic}/${form.map}`;

function anyOf(candidates: readonly Candidate[]): fc.Arbitrary<Candidate> {
  const families = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const family = familyOf(candidate);
    families.set(family, [...(families.get(family) ?? []), candidate]);
  }
  return fc
    .tuple(fc.constantFrom(...families.values()), fc.nat(0xffff))
    .map(([family, n]) => family[n % family.length] as Candidate);
}

const isVector = ({ form }: Candidate): boolean =>
  form.operands.some(({ kind }) => /^(xmm|mmx)/.test(kind));

const isX87 = ({ form }: Candidate): boolean => form.map === 0 && (form.opcode & 0xf8) === 0xd8;

const TAME = CANDIDATES.filter((candidate) => !isRisky(candidate));
const anyTame = fc.oneof(
  {
    weight: 2,
    arbitrary: anyOf(TAME.filter((candidate) => !isVector(candidate) && !isX87(candidate))),
  },
  { weight: 2, arbitrary: anyOf(TAME.filter(isVector)) },
  { weight: 1, arbitrary: anyOf(TAME.filter(isX87)) },
);
const anyRisky = anyOf(CANDIDATES.filter(isRisky));
/** More often than their number says: they write memory at an address that no operand names. */
const anyStack = anyOf(
  CANDIDATES.filter(({ instruction }) => /^(PUSH|POP|CALL|RET)$/.test(instruction.mnemonic)),
);

/** Straight micro-ops in the form without memory. */
const isPlain = ({ instruction, form }: Candidate): boolean =>
  record(instruction, form, {
    memory: false,
    operandSize: form.operandSize ?? 32,
    addressSize: form.addressSize ?? 64,
    stackSize: 64,
    repeat: "none",
  }).every(({ op }) => op !== "assist");

const PLAIN = TAME.filter((candidate) => !isX87(candidate) && isPlain(candidate));
const isConditional = ({ instruction }: Candidate): boolean =>
  /^(SET|CMOV|J)/.test(instruction.mnemonic);

const isArithmetic = ({ instruction }: Candidate): boolean =>
  /^(ADC|SBB|ADD|SUB|CMP|INC|DEC|NEG|CMC|SHL|SAR|ROL)$/.test(instruction.mnemonic);

/** What loops are made of. */
export const anyPlain = fc.oneof(
  { weight: 6, arbitrary: anyOf(PLAIN.filter((candidate) => !isVector(candidate))) },
  { weight: 3, arbitrary: anyOf(PLAIN.filter(isConditional)) },
  { weight: 3, arbitrary: anyOf(PLAIN.filter(isArithmetic)) },
  { weight: 2, arbitrary: anyOf(PLAIN.filter(isVector)) },
  {
    weight: 1,
    arbitrary: anyOf(
      PLAIN.filter(({ instruction }) => /^(PUSH|POP|CALL)$/.test(instruction.mnemonic)),
    ),
  },
);

const anyCandidate = fc.oneof(
  { weight: 20, arbitrary: anyTame },
  { weight: 2, arbitrary: anyStack },
  { weight: 1, arbitrary: anyRisky },
);

/** One instruction before it is placed. */
export interface Draw {
  readonly candidate: Candidate;
  readonly reg: number;
  readonly rm: number;
  readonly inMemory: boolean;
  readonly base: number | "rip" | null;
  readonly index: number | null;
  readonly scale: number;
  readonly displacement: number;
  readonly immediate: bigint;
  /** Where a branch goes: so many instructions further. */
  readonly branch: number;
  /** A REX prefix that is not needed. */
  readonly idleRex: boolean;
  readonly prefixes: readonly number[];
  readonly repeat: number;
  readonly lock: boolean;
}

const often = <T>(weight: number, tame: fc.Arbitrary<T>, wild: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: tame }, { weight: 1, arbitrary: wild });

export function anyDraw(
  edges: readonly bigint[],
  candidate: fc.Arbitrary<Candidate> = anyCandidate,
): fc.Arbitrary<Draw> {
  const register = often(20, fc.constantFrom(...RESULTS), fc.nat(15));
  return fc.record({
    candidate,
    reg: register,
    rm: register,
    inMemory: fc.boolean(),
    base: fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom<Draw["base"][]>(...BASES) },
      { weight: 3, arbitrary: fc.constant<Draw["base"]>("rip") },
      { weight: 1, arbitrary: fc.option<Draw["base"]>(fc.nat(15)) },
    ),
    index: often<number | null>(30, fc.constant(null), fc.nat(15)),
    scale: fc.nat(3),
    displacement: often(20, fc.integer({ min: -64, max: 127 }), fc.integer()),
    immediate: fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: 0n, max: 70n }),
      fc.constantFrom(...edges),
    ),
    branch: fc.integer({ min: -4, max: 5 }),
    idleRex: fc.nat(7).map((n) => n === 0),
    prefixes: often<number[]>(
      20,
      fc.constant([]),
      fc.array(fc.constantFrom(0x67, 0x64, 0x65, 0x3e, 0x66, 0xf2, 0xf3), { maxLength: 2 }),
    ),
    repeat: fc.constantFrom(0, 0xf2, 0xf3),
    lock: fc.nat(5).map((n) => n === 0),
  });
}

const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** The number of a register where a byte operand lies: without REX 4 to 7 are AH, CH, DH, BH. */
const isByte = (form: Form, kind: string): boolean =>
  form.operands.some((operand) => operand.kind === kind && operand.width === 8);

/** The bytes; a branch goes `distance` bytes beyond the instruction, `relative` to data where RIP is the base. */
export function encode(drawn: Draw, distance: number, toData: number): number[] {
  const draw = aligned(drawn);
  const { candidate, prefixes, lock, repeat, immediate } = draw;
  const { form, instruction } = candidate;
  const { modrm } = form;
  const inMemory = modrm !== null && modrm.fixed === null && isInMemory(modrm.allows, draw);
  const bytes = [...prefixes];
  if (lock && instruction.lock === true && inMemory) bytes.push(0xf0);
  if (repeat !== 0 && instruction.repeat !== undefined) bytes.push(repeat);
  if (form.operandSize === 16 && form.prefix !== "66") bytes.push(0x66);
  if (form.addressSize === 32) bytes.push(0x67);
  if (form.prefix !== null && form.prefix.length === 2 && form.prefix !== "NP")
    bytes.push(Number.parseInt(form.prefix, 16));
  const fields = modrm === null ? null : encodeModRm(draw, modrm, inMemory, toData);
  const opcodeRegister = form.plusRegister ? draw.rm : 0;
  const rex = (form.rexW === true ? 8 : 0) | (fields?.rex ?? 0) | (opcodeRegister >> 3);
  const isHigh =
    (isByte(form, "reg") && draw.reg >= 4) ||
    (isByte(form, "rm") && draw.rm >= 4 && !inMemory) ||
    (isByte(form, "opcodeReg") && draw.rm >= 4);
  if (rex !== 0 || (draw.idleRex && !isHigh)) bytes.push(0x40 | rex);
  bytes.push(...MAP_BYTES[form.map], form.opcode + (opcodeRegister & 7), ...(fields?.bytes ?? []));
  const isRelative = form.operands.some(({ kind }) => kind === "relative");
  for (const size of form.immediates)
    pushNumber(bytes, isRelative ? BigInt(distance) : immediate, size);
  if (form.operands.some(({ kind }) => kind === "moffs"))
    pushNumber(bytes, BigInt(0x10_1000 + 8 * (draw.displacement & 0x1ff)), 8);
  return bytes;
}

/** A displacement that leaves operands of 16 and 512 bytes aligned, but for one in sixteen. */
function aligned(draw: Draw): Draw {
  const whole = draw.candidate.form.operands.some(
    ({ memoryWidth, text }) => memoryWidth === 128 || text === "m512byte",
  );
  if (!whole || (draw.displacement & 15) === 15) return draw;
  return { ...draw, displacement: draw.displacement & ~15 };
}

function isInMemory(allows: "any" | "register" | "memory", { inMemory }: Draw): boolean {
  return allows === "any" ? inMemory : allows === "memory";
}

function encodeModRm(
  draw: Draw,
  { digit, fixed }: NonNullable<Form["modrm"]>,
  inMemory: boolean,
  toData: number,
): { rex: number; bytes: number[] } {
  if (fixed !== null) return { rex: 0, bytes: [fixed] };
  const reg = digit ?? draw.reg;
  const rexR = (reg >> 3) << 2;
  const low = (reg & 7) << 3;
  if (!inMemory) return { rex: rexR | (draw.rm >> 3), bytes: [0xc0 | low | (draw.rm & 7)] };
  const { base, index, scale, displacement } = draw;
  const bytes: number[] = [];
  if (base === "rip") {
    bytes.push(low | 5);
    pushNumber(bytes, BigInt(toData + displacement), 4);
    return { rex: rexR, bytes };
  }
  const isShort = displacement >= -128 && displacement < 128;
  const hasIndex = index !== null && index !== RSP;
  const rexX = hasIndex ? (index >> 3) << 1 : 0;
  if (base === null || hasIndex || (base & 7) === RSP) {
    const mod = base === null ? 0 : isShort ? 1 : 2;
    const sib = (scale << 6) | ((hasIndex ? index & 7 : 4) << 3) | (base === null ? 5 : base & 7);
    bytes.push((mod << 6) | low | 4, sib);
    pushNumber(bytes, BigInt(displacement), mod === 1 ? 1 : 4);
    return { rex: rexR | rexX | ((base ?? 0) >> 3), bytes };
  }
  const mod = displacement === 0 && (base & 7) !== 5 ? 0 : isShort ? 1 : 2;
  bytes.push((mod << 6) | low | (base & 7));
  pushNumber(bytes, BigInt(displacement), mod === 0 ? 0 : mod === 1 ? 1 : 4);
  return { rex: rexR | (base >> 3), bytes };
}

function pushNumber(bytes: number[], value: bigint, size: number): void {
  for (let i = 0; i < size; i += 1) bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
}

/** The code of instructions one after the other, and where each begins; the last one jumps to the first. */
export function assemble(draws: readonly Draw[]): { code: Uint8Array; starts: readonly number[] } {
  const starts: number[] = [];
  let at = 0;
  for (const draw of draws) {
    starts.push(at);
    at += encode(draw, 0, 0).length;
  }
  const ends = [...starts.slice(1), at];
  const code = draws.flatMap((draw, i) => {
    const target = starts[Math.min(Math.max(i + 1 + draw.branch, 0), draws.length - 1)] as number;
    // A branch of one byte reaches only so far.
    const distance = Math.min(Math.max(target - (ends[i] as number), -128), 127);
    return encode(draw, distance, 0x1000);
  });
  code.push(0xe9);
  pushNumber(code, BigInt(-(code.length + 4)), 4);
  return { code: Uint8Array.from(code), starts };
}
