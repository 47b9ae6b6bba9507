/**
 * The decoder, derived from the rows of all instructions: SDM Vol. 2, "Instruction Format". Takes bytes and the
 * default sizes of the code segment, and gives the form with its fields, or the exception.
 */

import { assert } from "../../sim/assert.ts";
import type { FeatureName } from "./cpuid/features.ts";
import type { Form, OperandSpec } from "./forms.ts";
import type { Instruction } from "./instruction.ts";
import { readMemory, readMemory16, usesStackSegment } from "./modrm.ts";
import { SEGMENT_NAMES, type SegmentName } from "./uop.ts";

export const MAX_LENGTH = 15;

/** 16 and 32: the D bit of a legacy or compatibility code segment; 64: 64-bit mode. */
export type CodeSize = 16 | 32 | 64;

/** A register number; `high` for AH, CH, DH, BH. */
export interface RegisterNumber {
  readonly number: number;
  readonly high: boolean;
}

export interface MemoryOperand {
  /** Register numbers, or null for none; `rip` is relative to the next instruction. */
  readonly base: number | "rip" | null;
  readonly index: number | null;
  readonly scale: 1 | 2 | 4 | 8;
  /** Sign-extended; for moffs the whole address. */
  readonly displacement: bigint;
}

/** The value of one operand of a decoded instruction. */
export type OperandValue =
  | { readonly is: "register"; readonly register: RegisterNumber }
  | { readonly is: "memory"; readonly memory: MemoryOperand }
  /** Unsigned, in the width of the operand; for a relative operand the displacement, sign-extended. */
  | { readonly is: "immediate"; readonly value: bigint }
  | { readonly is: "implicit" };

export interface Decoded {
  readonly instruction: Instruction;
  readonly form: Form;
  readonly length: number;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  readonly repeat: "none" | "rep" | "repne";
  readonly lock: boolean;
  /** The ModR/M byte; 0 where there is none. */
  readonly modrm: number;
  /** The segment of memory operands that can be overridden. */
  readonly segment: SegmentName;
  readonly operands: readonly OperandValue[];
}

export type DecodeFault =
  | "#UD"
  /** Longer than 15 bytes. */
  | "#GP(0)"
  /** The bytes given end before the instruction does. */
  | "short";

interface Candidate {
  readonly instruction: Instruction;
  readonly form: Form;
}

/** What begins with an opcode. */
interface Opcode {
  readonly candidates: Candidate[];
  needsModRm: boolean;
}

/** Bytes with a place in them; reading past the end throws one of the two faults. */
class ByteReader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    if (this.at >= MAX_LENGTH) throw TOO_LONG;
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw SHORT;
    this.at += 1;
    return byte;
  }

  peek(): number {
    const byte = this.next();
    this.at -= 1;
    return byte;
  }

  signed(size: number): bigint {
    return BigInt.asIntN(8 * size, this.unsigned(size));
  }

  unsigned(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i += 1) value |= BigInt(this.next()) << BigInt(8 * i);
    return value;
  }
}

class EndOfBytes extends Error {}
const SHORT = new EndOfBytes("short");
const TOO_LONG = new EndOfBytes("too long");

interface Prefixes {
  operandSize: boolean;
  addressSize: boolean;
  lock: boolean;
  repeat: "none" | "rep" | "repne";
  segment: SegmentName | null;
  /** The REX byte, or 0. */
  rex: number;
}

const SEGMENT_PREFIXES: ReadonlyMap<number, SegmentName> = new Map([
  [0x26, "ES"],
  [0x2e, "CS"],
  [0x36, "SS"],
  [0x3e, "DS"],
  [0x64, "FS"],
  [0x65, "GS"],
]);

interface ModRm {
  readonly byte: number;
  readonly mod: number;
  readonly reg: number;
  readonly rm: number;
}

const MAPS = 4;

export class Decoder {
  readonly #chosen = new Map<number, Candidate | null>();
  readonly #tables: readonly Opcode[] = Array.from({ length: MAPS * 256 }, () => ({
    candidates: [],
    needsModRm: false,
  }));

  /** Without features given, all rows are there. */
  constructor(
    instructions: readonly Instruction[],
    features: ReadonlySet<FeatureName> | null = null,
  ) {
    for (const instruction of instructions) {
      for (const form of instruction.forms) {
        const { feature } = form;
        if (feature === null || features === null || features.has(feature))
          this.#add({ instruction, form });
      }
    }
    for (const { candidates } of this.#tables)
      candidates.sort((a, b) => specificity(b.form) - specificity(a.form));
  }

  decode(bytes: Uint8Array, code: CodeSize): Decoded | DecodeFault {
    try {
      return this.#decode(new ByteReader(bytes), code);
    } catch (error) {
      if (error === SHORT) return "short";
      if (error === TOO_LONG) return "#GP(0)";
      throw error;
    }
  }

  /** The form that fits: it depends on opcode, ModR/M and few bits of the prefixes, and is remembered by these. */
  #choose(
    map: number,
    opcode: number,
    prefixes: Prefixes,
    modrm: ModRm | null,
    code: CodeSize,
    candidates: readonly Candidate[],
  ): Candidate | null {
    const sizes = (prefixes.operandSize ? 1 : 0) | (prefixes.addressSize ? 2 : 0);
    const repeat = prefixes.repeat === "none" ? 0 : prefixes.repeat === "rep" ? 1 : 2;
    const rex = (prefixes.rex & 8) | (prefixes.rex & 1);
    const bits = sizes | (repeat << 2) | (rex << 4) | ((code >> 5) << 8);
    const key = ((bits * MAPS + map) * 256 + opcode) * 256 + (modrm?.byte ?? 0);
    let chosen = this.#chosen.get(key);
    if (chosen === undefined) {
      chosen = candidates.find(({ form }) => fits(form, prefixes, modrm, opcode, code)) ?? null;
      this.#chosen.set(key, chosen);
    }
    return chosen;
  }

  #add(candidate: Candidate): void {
    const { map, opcode, plusRegister } = candidate.form;
    const count = plusRegister ? 8 : 1;
    for (let i = 0; i < count; i += 1) {
      const place = this.#tables[map * 256 + opcode + i] as Opcode;
      place.candidates.push(candidate);
      place.needsModRm ||= candidate.form.modrm !== null;
    }
  }

  #decode(reader: ByteReader, code: CodeSize): Decoded | DecodeFault {
    const prefixes = readPrefixes(reader, code);
    let map = 0;
    let opcode = reader.next();
    if (opcode === 0x0f) {
      opcode = reader.next();
      map = 1;
      if (opcode === 0x38 || opcode === 0x3a) {
        map = opcode === 0x38 ? 2 : 3;
        opcode = reader.next();
      }
    }
    const { candidates, needsModRm } = this.#tables[map * 256 + opcode] as Opcode;
    if (candidates.length === 0) return "#UD";
    const modrm = needsModRm ? (MODRM_BYTES[reader.peek()] as ModRm) : null;
    const found = this.#choose(map, opcode, prefixes, modrm, code, candidates);
    if (found === null) return "#UD";
    return finish(found, reader, prefixes, modrm, opcode, code);
  }
}

/** More specific forms are tried first. */
function specificity({ prefix, modrm, plusRegister }: Form): number {
  const fixed = modrm !== null && modrm.fixed !== null ? 4 : 0;
  const selects = prefix === "66" || prefix === "F3" || prefix === "F2";
  return fixed + (selects ? 2 : 0) + (plusRegister ? 0 : 1);
}

function readPrefixes(reader: ByteReader, code: CodeSize): Prefixes {
  const prefixes: Prefixes = {
    operandSize: false,
    addressSize: false,
    lock: false,
    repeat: "none",
    segment: null,
    rex: 0,
  };
  for (;;) {
    const byte = reader.peek();
    const segment = SEGMENT_PREFIXES.get(byte);
    if (segment !== undefined) {
      // In 64-bit mode the overrides of ES, CS, SS and DS are null prefixes.
      if (code !== 64 || segment === "FS" || segment === "GS") prefixes.segment = segment;
    } else if (byte === 0x66) prefixes.operandSize = true;
    else if (byte === 0x67) prefixes.addressSize = true;
    else if (byte === 0xf0) prefixes.lock = true;
    else if (byte === 0xf2) prefixes.repeat = "repne";
    else if (byte === 0xf3) prefixes.repeat = "rep";
    else if (code === 64 && (byte & 0xf0) === 0x40) {
      reader.next();
      // A REX prefix counts only right before the opcode.
      if (!isPrefix(reader.peek())) {
        prefixes.rex = byte;
        return prefixes;
      }
      continue;
    } else return prefixes;
    reader.next();
  }
}

function isPrefix(byte: number): boolean {
  const legacy = SEGMENT_PREFIXES.has(byte) || byte === 0x66 || byte === 0x67 || byte === 0xf0;
  return legacy || byte === 0xf2 || byte === 0xf3 || (byte & 0xf0) === 0x40;
}

const MODRM_BYTES: readonly ModRm[] = Array.from({ length: 256 }, (_, byte) => ({
  byte,
  mod: byte >> 6,
  reg: (byte >> 3) & 7,
  rm: byte & 7,
}));

function fits(
  form: Form,
  prefixes: Prefixes,
  modrm: ModRm | null,
  opcode: number,
  code: CodeSize,
): boolean {
  const valid = form.modes.split("/")[code === 64 ? 0 : 1] === "V";
  if (!valid || !fitsPrefix(form, prefixes)) return false;
  const isNop = form.map === 0 && opcode === 0x90 && !form.plusRegister && form.prefix === null;
  if (isNop && (prefixes.rex & 1) !== 0) return false;
  if (form.rexW === true && (prefixes.rex & 8) === 0) return false;
  if (form.operandSize !== null && form.operandSize !== operandSizeFor(form, prefixes, code))
    return false;
  if (form.addressSize !== null && form.addressSize !== addressSizeFor(prefixes, code))
    return false;
  if (form.modrm === null) return true;
  assert(modrm !== null, "a form with ModR/M sees the byte");
  const { digit, fixed, allows } = form.modrm;
  if (fixed !== null) return modrm.byte === fixed;
  if (digit !== null && modrm.reg !== digit) return false;
  if (!namesSegment(form, modrm.reg)) return false;
  if (ignoresMod(form)) return true;
  return allows === "any" || (allows === "memory") === (modrm.mod !== 3);
}

function fitsPrefix(form: Form, { operandSize, repeat }: Prefixes): boolean {
  switch (form.prefix) {
    case null:
      return true;
    case "NFx":
      return repeat === "none";
    case "NP":
      return !operandSize && repeat === "none";
    case "66":
      return operandSize && repeat === "none";
    case "F3":
      return repeat === "rep";
    case "F2":
      return repeat === "repne";
  }
}

/** MOV to and from control and debug registers: the mod field is ignored (SDM Vol. 2, "MOV—Move to/from Control Registers"). */
const ignoresMod = (form: Form): boolean =>
  form.operands.some(({ kind }) => kind === "controlReg" || kind === "debugReg");

/** The escape opcodes, which know operand sizes of 16 and 32 bits alone (SDM Vol. 2, "Escape Opcode Instructions"). */
const isEscape = ({ map, opcode }: Form): boolean => map === 0 && (opcode & 0xf8) === 0xd8;

/** There are six segment registers, and CS is not written. */
function namesSegment({ operands }: Form, reg: number): boolean {
  const at = operands.findIndex(({ kind }) => kind === "segmentReg");
  return at < 0 || (reg < SEGMENT_NAMES.length && (at > 0 || reg !== CS));
}

const CS = SEGMENT_NAMES.indexOf("CS");

const isVector = ({ kind }: OperandSpec): boolean =>
  kind === "xmmReg" || kind === "xmmRm" || kind === "mmxReg" || kind === "mmxRm";

function operandSizeFor(form: Form, prefixes: Prefixes, code: CodeSize): 16 | 32 | 64 {
  if (code === 64) {
    if (form.default64 === "forced") return 64;
    if ((prefixes.rex & 8) !== 0) return isEscape(form) ? 32 : 64;
  }
  // Where 66 is part of the opcode, or no general register's size, it does not make the operand small.
  const mandatory = form.prefix === "66" || form.prefix === "NP" || form.operands.some(isVector);
  if (mandatory) return code === 64 && form.default64 === true ? 64 : 32;
  if (code === 64) {
    if (prefixes.operandSize) return 16;
    return form.default64 === true ? 64 : 32;
  }
  return (code === 32) === prefixes.operandSize ? 16 : 32;
}

function addressSizeFor({ addressSize }: Prefixes, code: CodeSize): 16 | 32 | 64 {
  if (code === 64) return addressSize ? 32 : 64;
  return (code === 32) === addressSize ? 16 : 32;
}

function finish(
  { instruction, form }: Candidate,
  reader: ByteReader,
  prefixes: Prefixes,
  modrm: ModRm | null,
  opcode: number,
  code: CodeSize,
): Decoded | DecodeFault {
  const operandSize = operandSizeFor(form, prefixes, code);
  const addressSize = addressSizeFor(prefixes, code);
  let memory: MemoryOperand | null = null;
  let segment: SegmentName = prefixes.segment ?? "DS";
  if (form.modrm !== null) {
    reader.next();
    const { mod, rm } = modrm as ModRm;
    if (mod !== 3 && form.modrm.fixed === null && !ignoresMod(form)) {
      memory =
        addressSize === 16
          ? readMemory16(reader, mod, rm)
          : readMemory(reader, mod, rm, prefixes.rex, code);
      if (prefixes.segment === null && usesStackSegment(memory, addressSize)) segment = "SS";
    }
  }
  const immediates = form.immediates.map((size) => ({ size, value: reader.unsigned(size) }));
  const context = { form, reader, prefixes, modrm, opcode, memory, immediates, addressSize };
  const operands = form.operands.map((spec) => operandValue(spec, context));
  if (prefixes.lock && !(instruction.lock === true && operands[0]?.is === "memory")) return "#UD";
  return {
    instruction,
    form,
    length: reader.at,
    operandSize,
    addressSize,
    repeat: instruction.repeat === undefined ? "none" : prefixes.repeat,
    lock: prefixes.lock,
    modrm: form.modrm === null ? 0 : (modrm as ModRm).byte,
    segment,
    operands,
  };
}

interface OperandContext {
  readonly form: Form;
  readonly reader: ByteReader;
  readonly prefixes: Prefixes;
  readonly modrm: ModRm | null;
  readonly opcode: number;
  readonly memory: MemoryOperand | null;
  readonly immediates: { readonly size: number; readonly value: bigint }[];
  readonly addressSize: 16 | 32 | 64;
}

function operandValue(spec: OperandSpec, context: OperandContext): OperandValue {
  const { prefixes, modrm, opcode, memory, reader } = context;
  const rexR = (prefixes.rex & 4) << 1;
  const rexB = (prefixes.rex & 1) << 3;
  switch (spec.kind) {
    case "reg":
      return gprOperand(spec, (modrm as ModRm).reg | rexR, prefixes.rex);
    case "opcodeReg":
      return gprOperand(spec, (opcode & 7) | rexB, prefixes.rex);
    case "rm":
    case "memory":
    case "xmmRm":
    case "mmxRm": {
      if (memory !== null) return { is: "memory", memory };
      const number = (modrm as ModRm).rm | (spec.kind === "mmxRm" ? 0 : rexB);
      return gprOperand(spec, number, prefixes.rex);
    }
    case "xmmReg":
    case "controlReg":
    case "debugReg":
      return registerOperand((modrm as ModRm).reg | rexR);
    case "mmxReg":
    case "segmentReg":
      return registerOperand((modrm as ModRm).reg);
    case "x87Reg":
      return registerOperand((modrm as ModRm).rm);
    case "fixedSegment":
      return registerOperand(SEGMENT_NAMES.indexOf(spec.segment as SegmentName));
    case "immediate":
    case "farPointer":
      return { is: "immediate", value: (context.immediates.shift() as { value: bigint }).value };
    case "relative": {
      const { size, value } = context.immediates.shift() as { size: number; value: bigint };
      return { is: "immediate", value: BigInt.asIntN(8 * size, value) };
    }
    case "moffs": {
      const displacement = reader.unsigned(context.addressSize / 8);
      return { is: "memory", memory: { base: null, index: null, scale: 1, displacement } };
    }
    case "one":
      return ONE;
    default:
      return IMPLICIT;
  }
}

// Shared by all instructions: most of what decoding made were these.
const ONE: OperandValue = { is: "immediate", value: 1n };
const IMPLICIT: OperandValue = { is: "implicit" };
const REGISTERS: readonly OperandValue[] = [false, true].flatMap((high) =>
  Array.from({ length: 16 }, (_, number) => ({ is: "register", register: { number, high } })),
);

const registerOperand = (number: number, high = false): OperandValue =>
  REGISTERS[number + (high ? 16 : 0)] as OperandValue;

/** Without REX, the byte registers 4 to 7 are AH, CH, DH and BH. */
function gprOperand(spec: OperandSpec, number: number, rex: number): OperandValue {
  const high = spec.width === 8 && rex === 0 && number >= 4 && number < 8;
  return registerOperand(high ? number - 4 : number, high);
}

/** The displacement of a memory operand, with what POP adds to an address based on rSP (SDM Vol. 2B, "POP"). */
export function displacementOf({ form, operandSize }: Decoded, memory: MemoryOperand): bigint {
  const popped = form.popsFirst && memory.base === 4 ? operandSize / 8 : 0;
  return memory.displacement + BigInt(popped);
}
