/**
 * The assembler that guest programs are written with: Intel syntax, 64-bit code, encoded by the tables of the
 * instruction set. Lines are labels, instructions, and db, dw, dd, dq, zero, align; a semicolon begins a comment.
 */

import { assert, InputError } from "../sim/assert.ts";
import type { OperandValue } from "../hw/cpu/decode.ts";
import { encode, EncodeError } from "../hw/cpu/encode.ts";
import type { Form, OperandSpec } from "../hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../hw/cpu/isa/index.ts";
import { SEGMENT_NAMES, type SegmentName } from "../hw/cpu/uop.ts";
import { type LabelValue, type OperandText, parseOperandText } from "./operand-text.ts";

export interface Assembled {
  readonly bytes: Uint8Array;
  /** Addresses. */
  readonly labels: ReadonlyMap<string, bigint>;
}

const CODE_SIZE = 64;
/** What a label counts as while its place is not known: it needs 32 bits and lies in reach of a jump. */
const UNKNOWN_LABEL = 0x7000_0000n;
const DATA_SIZES: Readonly<Record<string, number>> = { db: 1, dw: 2, dd: 4, dq: 8 };

const FORMS = formsByMnemonic();

function formsByMnemonic(): ReadonlyMap<string, readonly Form[]> {
  const forms = new Map<string, Form[]>();
  for (const { mnemonic, forms: own } of INSTRUCTIONS) {
    const key = mnemonic.toLowerCase();
    forms.set(key, [
      ...(forms.get(key) ?? []),
      ...own.filter(({ modes }) => modes.startsWith("V/")),
    ]);
  }
  return forms;
}

/** Assembles a program that will lie at `origin`. Throws InputError with the line. */
export function assemble(source: string, origin: bigint): Assembled {
  const lines = source.split("\n").map((line) => line.replace(/;.*$/, "").trim());
  const unknown = place(lines, origin, () => UNKNOWN_LABEL);
  const labels = unknown.labels;
  const known = place(lines, origin, (name) => {
    const value = labels.get(name);
    if (value === undefined) throw new InputError(`${name}: no such label`);
    return value;
  });
  assert(known.bytes.length === unknown.bytes.length, "labels do not change the length of code");
  return known;
}

/** One pass over all lines. */
function place(lines: readonly string[], origin: bigint, value: LabelValue): Assembled {
  const bytes: number[] = [];
  const labels = new Map<string, bigint>();
  lines.forEach((line, i) => {
    let rest = line;
    try {
      const label = /^([a-z_.][\w.]*):\s*(.*)$/i.exec(line);
      if (label !== null) {
        const [, name = "", after = ""] = label;
        if (labels.has(name)) throw new InputError(`${name}: a label stands once`);
        labels.set(name, origin + BigInt(bytes.length));
        rest = after;
      }
      if (rest !== "") bytes.push(...statement(rest, origin + BigInt(bytes.length), value));
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`line ${i + 1}: ${error.message}`);
      throw error;
    }
  });
  return { bytes: Uint8Array.from(bytes), labels };
}

function statement(text: string, at: bigint, value: LabelValue): readonly number[] {
  const [word = "", ...others] = text.split(/\s+/);
  const key = word.toLowerCase();
  const rest = others.join(" ");
  const size = DATA_SIZES[key];
  if (size !== undefined)
    return splitOperands(rest).flatMap((item) => dataBytes(item, size, value));
  if (key === "zero") return Array.from({ length: Number(rest) }, () => 0);
  if (key === "align") return Array.from({ length: Number(-at & (BigInt(rest) - 1n)) }, () => 0x90);
  const prefix = /^(lock|rep|repe|repz|repne|repnz)$/.exec(key)?.[1];
  if (prefix === undefined) return instructionBytes(key, rest, at, value, null);
  const [mnemonic = "", ...operands] = others;
  return instructionBytes(mnemonic.toLowerCase(), operands.join(" "), at, value, prefix);
}

function splitOperands(text: string): string[] {
  return text === "" ? [] : text.split(",").map((item) => item.trim());
}

function dataBytes(item: string, size: number, value: LabelValue): number[] {
  const operand = parseOperandText(item, value);
  if (operand.is !== "number") throw new InputError(`${item}: expected a number or a label`);
  return Array.from({ length: size }, (_, i) => Number((operand.value >> BigInt(8 * i)) & 0xffn));
}

function instructionBytes(
  mnemonic: string,
  text: string,
  at: bigint,
  value: LabelValue,
  prefix: string | null,
): readonly number[] {
  const forms = FORMS.get(mnemonic);
  if (forms === undefined) throw new InputError(`${mnemonic}: no such instruction`);
  const operands = splitOperands(text).map((item) => parseOperandText(item, value));
  const hasNear = forms.some(
    ({ immediates, operands: specs }) => isRelative(specs) && immediates[0] === 4,
  );
  let best: Uint8Array | null = null;
  for (const form of forms) {
    // A short jump would make the length depend on places not known yet.
    if (hasNear && isRelative(form.operands) && form.immediates[0] === 1) continue;
    if (!matches(form, operands)) continue;
    const bytes = encodeForm(form, operands, at, prefix);
    if (bytes !== null && (best === null || bytes.length < best.length)) best = bytes;
  }
  if (best === null)
    throw new InputError(`${mnemonic} ${text}: no form of the instruction takes these operands`);
  return [...best];
}

const isRelative = (specs: readonly OperandSpec[]): boolean =>
  specs.some(({ kind }) => kind === "relative");

function matches(form: Form, operands: readonly OperandText[]): boolean {
  if (form.operands.length !== operands.length) return false;
  const sized = operands.some(({ is }) => is === "register");
  return form.operands.every((spec, i) => fits(spec, operands[i] as OperandText, form, sized));
}

function fits(spec: OperandSpec, operand: OperandText, form: Form, sized: boolean): boolean {
  switch (operand.is) {
    case "register":
      return fitsRegister(spec, operand);
    case "memory":
      return fitsMemory(spec, operand.width, sized);
    case "number":
      return fitsNumber(spec, operand, form);
  }
}

function fitsRegister(
  spec: OperandSpec,
  { kind, width, register }: OperandText & { is: "register" },
): boolean {
  switch (spec.kind) {
    case "fixedGpr":
      return (
        kind === "gpr" &&
        width === spec.width &&
        gprName(register.number) === spec.gpr &&
        !register.high
      );
    case "reg":
    case "opcodeReg":
      return kind === "gpr" && width === spec.width;
    case "rm":
      return kind === "gpr" && width === spec.width && spec.allows !== "memory";
    case "xmmReg":
      return kind === "xmm";
    case "xmmRm":
      return kind === "xmm" && spec.allows !== "memory";
    case "mmxReg":
      return kind === "mmx";
    case "mmxRm":
      return kind === "mmx" && spec.allows !== "memory";
    case "x87Top":
      return kind === "x87" && register.number === 0;
    case "x87Reg":
      return kind === "x87";
    case "segmentReg":
      return kind === "segment";
    case "fixedSegment":
      return kind === "segment" && SEGMENT_NAMES[register.number] === spec.segment;
    case "controlReg":
      return kind === "control";
    case "debugReg":
      return kind === "debug";
    default:
      return false;
  }
}

const gprName = (number: number): string =>
  ["rAX", "rCX", "rDX", "rBX", "rSP", "rBP", "rSI", "rDI"][number] ?? `r${number}`;

/** An address without a size word takes its size from a register beside it. */
function fitsMemory(spec: OperandSpec, width: number | null, sized: boolean): boolean {
  const ofVector = spec.kind === "xmmRm" || spec.kind === "mmxRm";
  const takes = spec.kind === "rm" || spec.kind === "memory" || ofVector;
  if (!takes || spec.allows === "register") return false;
  if (width !== null) return spec.memoryWidth === 0 || width === spec.memoryWidth;
  return sized || spec.memoryWidth === 0 || ofVector;
}

function fitsNumber(
  spec: OperandSpec,
  { value, isLabel }: OperandText & { is: "number" },
  form: Form,
): boolean {
  if (spec.kind === "relative") return true;
  if (spec.kind === "one") return value === 1n && !isLabel;
  if (spec.kind !== "immediate") return false;
  if (isLabel) return spec.width >= 32;
  const target = form.operands[0]?.width ?? 0;
  const bits = BigInt(spec.width);
  const extended = target > spec.width && form.operands[0]?.kind !== "immediate" && !isCount(form);
  const least = -(1n << (bits - 1n));
  return value >= least && value < (extended ? -least : 1n << bits);
}

/** Shift counts and their like are unsigned bytes, not extended to the size of what is shifted. */
const isCount = ({ row: [opcode] }: Form): boolean =>
  /^(REX\.W \+ )?(C0|C1|0F A4|0F AC|0F BA) /.test(opcode);

function encodeForm(
  form: Form,
  operands: readonly OperandText[],
  at: bigint,
  prefix: string | null,
): Uint8Array | null {
  const repeat =
    prefix === null || prefix === "lock" ? "none" : prefix.startsWith("repn") ? "repne" : "rep";
  let override: SegmentName | null = null;
  for (const operand of operands)
    if (operand.is === "memory") override = operand.segment ?? override;
  const withNext = (next: bigint): Uint8Array =>
    encode(
      {
        form,
        operands: form.operands.map((spec, i) => valueOf(spec, operands[i] as OperandText, next)),
        repeat,
        lock: prefix === "lock",
        addressSize: CODE_SIZE,
        operandSize: form.operandSize ?? 32,
        override,
      },
      CODE_SIZE,
    );
  try {
    // The length does not depend on where the instruction ends.
    const { length } = withNext(at);
    return withNext(at + BigInt(length));
  } catch (error) {
    if (error instanceof EncodeError) return null;
    throw error;
  }
}

function valueOf(spec: OperandSpec, operand: OperandText, next: bigint): OperandValue {
  switch (operand.is) {
    case "register":
      return { is: "register", register: operand.register };
    case "memory": {
      const { memory } = operand;
      if (memory.base !== "rip") return { is: "memory", memory };
      return { is: "memory", memory: { ...memory, displacement: memory.displacement - next } };
    }
    case "number":
      return {
        is: "immediate",
        value: spec.kind === "relative" ? operand.value - next : operand.value,
      };
  }
}
