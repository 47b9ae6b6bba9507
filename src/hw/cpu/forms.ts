/**
 * Encoding forms in the manual's own notation (SDM Vol. 2, "Interpreting the Instruction Reference Pages"): the
 * opcode column, the operands of the instruction column, and the 64-bit and compatibility/legacy mode columns.
 * A row is parsed into what the decoder, the encoder and the semantics need.
 */

import { assert } from "../../sim/assert.ts";
import type { FeatureName } from "./cpuid/features.ts";
import type { GprName, OperandWidth, SegmentName } from "./uop.ts";

/**
 * Validity in 64-bit mode and in compatibility and legacy modes: V valid, I invalid (#UD), NE not encodable (another
 * form has the encoding).
 */
export type Modes = "V/V" | "V/NE" | "V/I" | "I/V" | "NE/V" | "NE/NE";

export interface FormExtra {
  readonly modes?: Modes;
  /** Operand sizes for which a row without sized operands has a form each; null where it does not matter. */
  readonly sizes?: readonly (16 | 32 | 64 | null)[];
  /**
   * In 64-bit mode the operand size is 64 bits without REX.W; `forced`, whatever the prefixes say (SDM Vol. 2, "Default
   * 64-Bit Operand Size").
   */
  readonly default64?: boolean | "forced";
  /** The address size that selects the row. */
  readonly addressSize?: 16 | 32 | 64;
  /** The CPUID column, where rows of an entry differ. */
  readonly feature?: FeatureName;
  /** An address based on rSP is reckoned after the operand has been popped. */
  readonly popsFirst?: true;
}

/** Opcode column, operand column, and what the other columns say. */
export type FormRow = readonly [opcode: string, operands: string, extra?: FormExtra];

export type OperandKind =
  | "reg"
  | "rm"
  | "memory"
  | "opcodeReg"
  | "fixedGpr"
  | "fixedSegment"
  | "immediate"
  | "relative"
  | "moffs"
  | "one"
  | "segmentReg"
  | "controlReg"
  | "debugReg"
  | "xmmReg"
  | "xmmRm"
  | "mmxReg"
  | "mmxRm"
  | "fixedXmm"
  | "x87Top"
  | "x87Reg"
  | "farPointer";

export interface OperandSpec {
  readonly kind: OperandKind;
  /** Bits; 0 when the operand size decides; more than 64 for what only assists and vectors touch. */
  readonly width: OperandWidth | 0 | 80 | 128;
  /** Bits of the memory form where it differs from the register's. */
  readonly memoryWidth: number;
  /** With an r/m operand: which of the two the row allows. */
  readonly allows: "any" | "register" | "memory";
  readonly gpr?: GprName;
  readonly segment?: SegmentName;
  /** As written in the manual. */
  readonly text: string;
}

export type ImmediateSize = 1 | 2 | 4 | 6 | 8;

export interface Form {
  readonly mnemonic: string;
  readonly row: FormRow;
  /** Opcode map: 0 one byte, 1 0F, 2 0F 38, 3 0F 3A. */
  readonly map: 0 | 1 | 2 | 3;
  readonly opcode: number;
  /** The low three bits of the opcode name a register (`+rd`). */
  readonly plusRegister: boolean;
  /** Mandatory prefix; null when prefixes have their ordinary meaning. */
  readonly prefix: "NP" | "NFx" | "66" | "F3" | "F2" | null;
  readonly rexW: boolean | null;
  readonly modrm: ModRmPattern | null;
  /** Sizes in bytes of immediates and displacements that follow, in order; 0 for one of the operand's size. */
  readonly immediates: readonly ImmediateSize[];
  readonly operands: readonly OperandSpec[];
  /** The operand size that selects this form; null when it does not matter. */
  readonly operandSize: 16 | 32 | 64 | null;
  readonly default64: boolean | "forced";
  readonly addressSize: 16 | 32 | 64 | null;
  readonly popsFirst: boolean;
  readonly modes: Modes;
  /** What a CPU must have for the row to exist for it. */
  readonly feature: FeatureName | null;
}

export interface ModRmPattern {
  /** `/digit`, or null for `/r`. */
  readonly digit: number | null;
  /** A whole ModR/M byte as part of the opcode, as in 0F 01 D0. */
  readonly fixed: number | null;
  readonly allows: "any" | "register" | "memory";
}

const GPR_BY_NAME: Readonly<Record<string, readonly [GprName, OperandWidth]>> = {
  AL: ["rAX", 8],
  AX: ["rAX", 16],
  EAX: ["rAX", 32],
  RAX: ["rAX", 64],
  CL: ["rCX", 8],
  CX: ["rCX", 16],
  ECX: ["rCX", 32],
  RCX: ["rCX", 64],
  DX: ["rDX", 16],
  EDX: ["rDX", 32],
};

const SEGMENTS: ReadonlySet<string> = new Set(["ES", "CS", "SS", "DS", "FS", "GS"]);

function spec(
  kind: OperandKind,
  width: OperandSpec["width"],
  text: string,
  more: Partial<OperandSpec> = {},
): OperandSpec {
  return { kind, width, memoryWidth: width, allows: "any", text, ...more };
}

/** Parses one operand, as `r/m32` or `xmm2/m128`. */
export function parseOperand(text: string): OperandSpec {
  const gpr = GPR_BY_NAME[text];
  if (gpr !== undefined) return spec("fixedGpr", gpr[1], text, { gpr: gpr[0] });
  if (SEGMENTS.has(text)) return spec("fixedSegment", 16, text, { segment: text as SegmentName });
  const found =
    match(/^r\/m(8|16|32|64)$/, text, (w) => spec("rm", w, text)) ??
    match(/^r(8|16|32|64)\/m(8|16|32|64)$/, text, (w, m) =>
      spec("rm", w, text, { memoryWidth: m }),
    ) ??
    match(/^r(8|16|32|64)$/, text, (w) => spec("reg", w, text)) ??
    match(/^reg\/m(8|16|32)$/, text, (w) => spec("rm", 32, text, { memoryWidth: w })) ??
    match(/^m(8|16|32|64|80|128)(?:fp|int|dec|bcd)?$/, text, (w) => memory(w, text)) ??
    match(/^imm(8|16|32|64)$/, text, (w) => spec("immediate", w, text)) ??
    match(/^rel(8|16|32)$/, text, () => spec("relative", 64, text)) ??
    match(/^moffs(8|16|32|64)$/, text, (w) => spec("moffs", w, text, { allows: "memory" })) ??
    match(/^xmm\d?\/m(8|16|32|64|128)$/, text, (w) =>
      spec("xmmRm", 128, text, { memoryWidth: w }),
    ) ??
    match(/^xmm\d?$/, text, () => spec("xmmReg", 128, text)) ??
    match(/^mm\d?\/m(32|64)$/, text, (w) => spec("mmxRm", 64, text, { memoryWidth: w })) ??
    match(/^mm\d?$/, text, () => spec("mmxReg", 64, text));
  if (found !== null) return found;
  switch (text) {
    case "1":
      return spec("one", 8, text);
    case "reg":
      return spec("reg", 32, text);
    case "m":
      return memory(0, text);
    case "Sreg":
      return spec("segmentReg", 16, text);
    case "CR0-CR7":
      return spec("controlReg", 64, text);
    case "DR0-DR7":
      return spec("debugReg", 64, text);
    case "<XMM0>":
      return spec("fixedXmm", 128, text);
    case "ST(0)":
      return spec("x87Top", 80, text);
    case "ST(i)":
      return spec("x87Reg", 80, text, { allows: "register" });
    case "m16:16":
    case "m16:32":
    case "m16:64":
    case "m16&16":
    case "m32&32":
    case "m16&32":
    case "m16&64":
    case "m512byte":
    case "m2byte":
    case "m14/28byte":
    case "m94/108byte":
    case "mem":
      return memory(0, text);
    case "ptr16:16":
    case "ptr16:32":
      return spec("farPointer", 0, text);
    default:
      throw new RangeError(`an operand is written as in the manual, not ${text}`);
  }
}

function match(
  pattern: RegExp,
  text: string,
  make: (width: OperandWidth, second: OperandWidth) => OperandSpec,
): OperandSpec | null {
  const found = pattern.exec(text);
  if (found === null) return null;
  return make(Number(found[1]) as OperandWidth, Number(found[2] ?? found[1]) as OperandWidth);
}

function memory(width: number, text: string): OperandSpec {
  return spec("memory", width as OperandSpec["width"], text, {
    allows: "memory",
    memoryWidth: width,
  });
}

/** Parses a row into its forms: one, or one for each operand size that it names. */
export function parseRow(mnemonic: string, row: FormRow): Form[] {
  const [opcodeText, operandText, extra = {}] = row;
  const written = operandText === "" ? [] : operandText.split(", ").map(parseOperand);
  const opcode = parseOpcode(opcodeText, `${mnemonic} ${opcodeText}`);
  const operands = placeOperands(written, opcode);
  const allows = operands.find(({ kind }) => isRm(kind))?.allows ?? "any";
  const modrm = opcode.modrm === null ? null : { ...opcode.modrm, allows };
  const sizes = extra.sizes ?? [sizeOf(operands, opcode.rexW)];
  return sizes.map((operandSize) => ({
    mnemonic,
    row,
    ...opcode,
    modrm,
    operands,
    operandSize,
    default64: extra.default64 ?? false,
    addressSize: extra.addressSize ?? null,
    popsFirst: extra.popsFirst ?? false,
    modes: extra.modes ?? "V/V",
    feature: extra.feature ?? null,
  }));
}

type Opcode = Pick<Form, "map" | "opcode" | "plusRegister" | "prefix" | "rexW" | "immediates"> & {
  readonly modrm: Omit<ModRmPattern, "allows"> | null;
};

const IMMEDIATES: Readonly<Record<string, ImmediateSize>> = {
  ib: 1,
  iw: 2,
  id: 4,
  io: 8,
  cb: 1,
  cw: 2,
  cd: 4,
  cp: 6,
  co: 8,
};

interface Parsing {
  prefix: Form["prefix"];
  rexW: boolean | null;
  bytes: number[];
  plusRegister: boolean;
  modrm: Omit<ModRmPattern, "allows"> | null;
  immediates: ImmediateSize[];
}

/** Parses the opcode column, as `REX.W + 81 /0 id` or `F3 0F B8 /r`. */
function parseOpcode(text: string, where: string): Opcode {
  const parsing: Parsing = {
    prefix: null,
    rexW: null,
    bytes: [],
    plusRegister: false,
    modrm: null,
    immediates: [],
  };
  for (const token of text.split(/ \+ | /)) parseToken(token, parsing, where);
  const { bytes, ...rest } = parsing;
  let map: Form["map"] = 0;
  const [first, second] = bytes;
  if (first === 0x0f) {
    const longMap = second === 0x38 || second === 0x3a;
    map = longMap ? (second === 0x38 ? 2 : 3) : 1;
    bytes.splice(0, longMap ? 2 : 1);
  }
  assert(bytes.length === 1 || bytes.length === 2, `an opcode has one byte in its map: ${where}`);
  if (bytes.length === 2) {
    assert(rest.modrm === null, `a fixed ModR/M byte has no digit: ${where}`);
    const modrm = bytes[1] as number;
    // `C0+i` is a digit in the reg field and a register in the rm field.
    rest.modrm = rest.plusRegister
      ? { digit: (modrm >> 3) & 7, fixed: null }
      : { digit: null, fixed: modrm };
    rest.plusRegister = false;
  }
  return { ...rest, map, opcode: bytes[0] as number };
}

function parseToken(token: string, parsing: Parsing, where: string): void {
  const immediate = IMMEDIATES[token];
  if (immediate !== undefined) {
    parsing.immediates.push(immediate);
  } else if (token === "NP" || token === "NFx") {
    parsing.prefix = token;
  } else if (token === "REX.W") {
    parsing.rexW = true;
  } else if (token === "/r") {
    parsing.modrm = { digit: null, fixed: null };
  } else if (/^\/[0-7]$/.test(token)) {
    parsing.modrm = { digit: Number(token[1]), fixed: null };
  } else {
    const found = /^([0-9A-F]{2})(\+(?:rb|rw|rd|ro|i))?$/.exec(token);
    assert(found !== null, `an opcode is written as in the manual: ${where}, ${token}`);
    const byte = Number.parseInt(found[1] as string, 16);
    const isPrefix =
      parsing.bytes.length === 0 && (byte === 0x66 || byte === 0xf2 || byte === 0xf3);
    if (isPrefix) parsing.prefix = found[1] as "66" | "F2" | "F3";
    else parsing.bytes.push(byte);
    if (found[2] !== undefined) parsing.plusRegister = true;
  }
}

const isRm = (kind: OperandKind): boolean =>
  kind === "rm" || kind === "memory" || kind === "xmmRm" || kind === "mmxRm" || kind === "x87Reg";

/**
 * Finds out where each operand is encoded (the Op/En column). Registers without a memory alternative go to the opcode
 * or to ModR/M.reg; where that is taken, by a digit or by another register, to ModR/M.rm.
 */
function placeOperands(written: readonly OperandSpec[], opcode: Opcode): readonly OperandSpec[] {
  const hasRm = written.some(({ kind }) => isRm(kind));
  const hasSpecialReg = written.some(({ kind }) => kind === "controlReg" || kind === "debugReg");
  let regTaken = opcode.modrm !== null && (opcode.modrm.digit !== null || hasSpecialReg);
  return written.map((operand) => {
    const plain = operand.kind === "reg" || operand.kind === "xmmReg" || operand.kind === "mmxReg";
    if (!plain) return operand;
    if (opcode.plusRegister) return { ...operand, kind: "opcodeReg" };
    if (!regTaken) {
      regTaken = true;
      return operand;
    }
    assert(!hasRm, `two operands have two places: ${operand.text}`);
    const kind = operand.kind === "reg" ? "rm" : operand.kind === "xmmReg" ? "xmmRm" : "mmxRm";
    return { ...operand, kind, allows: "register" };
  });
}

/** The operand size that a row stands for: that of its widest general operand, unless all are of 8 bits or fixed. */
function sizeOf(operands: readonly OperandSpec[], rexW: boolean | null): 16 | 32 | 64 | null {
  if (rexW === true) return 64;
  const onVectors = operands.some(({ kind }) => kind.startsWith("xmm") || kind.startsWith("mmx"));
  const sizing = operands.filter(
    ({ kind, text }) =>
      (kind === "reg" ||
        kind === "rm" ||
        kind === "opcodeReg" ||
        kind === "moffs" ||
        kind === "fixedGpr" ||
        (kind === "memory" && !onVectors)) &&
      !text.startsWith("reg") &&
      !/^m\d+(fp|int|dec|bcd)$/.test(text) &&
      text !== "DX" &&
      text !== "CL",
  );
  const first = sizing[0];
  if (first === undefined) {
    const relative = operands.find(({ kind }) => kind === "relative");
    return relative?.text === "rel16" ? 16 : null;
  }
  const width = Math.max(...sizing.map((operand) => operand.width));
  return width === 16 || width === 32 || width === 64 ? width : null;
}
