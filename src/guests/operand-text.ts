/** Operands as the assembler reads them: registers, addresses in brackets, numbers and labels, in Intel syntax. */

import { InputError } from "../sim/assert.ts";
import type { MemoryOperand, RegisterNumber } from "../hw/cpu/decode.ts";
import { SEGMENT_NAMES, type SegmentName } from "../hw/cpu/uop.ts";

export interface RegisterText {
  readonly is: "register";
  readonly kind: "gpr" | "xmm" | "mmx" | "x87" | "segment" | "control" | "debug";
  readonly width: number;
  readonly register: RegisterNumber;
}

export interface MemoryText {
  readonly is: "memory";
  /** Bits that a size word gave, or null. */
  readonly width: number | null;
  readonly segment: SegmentName | null;
  readonly memory: MemoryOperand;
}

export interface NumberText {
  readonly is: "number";
  readonly value: bigint;
  /** The value comes from a label, so it is not known before everything is placed. */
  readonly isLabel: boolean;
}

export type OperandText = RegisterText | MemoryText | NumberText;

/** Gives the value of a label; in the first pass, when it is not known yet, of any place. */
export type LabelValue = (name: string) => bigint;

const LEGACY = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"] as const;
const LOW_BYTES = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"] as const;
const HIGH_BYTES = ["ah", "ch", "dh", "bh"] as const;

function gpr(width: number, number: number, high = false): RegisterText {
  return { is: "register", kind: "gpr", width, register: { number, high } };
}

function makeRegisters(): ReadonlyMap<string, RegisterText> {
  const registers = new Map<string, RegisterText>();
  for (const [number, name] of LEGACY.entries()) {
    registers.set(name, gpr(16, number));
    registers.set(`e${name}`, gpr(32, number));
    registers.set(`r${name}`, gpr(64, number));
  }
  for (const [number, name] of LOW_BYTES.entries()) registers.set(name, gpr(8, number));
  for (const [number, name] of HIGH_BYTES.entries()) registers.set(name, gpr(8, number, true));
  for (let number = 8; number < 16; number += 1) {
    registers.set(`r${number}`, gpr(64, number));
    registers.set(`r${number}d`, gpr(32, number));
    registers.set(`r${number}w`, gpr(16, number));
    registers.set(`r${number}b`, gpr(8, number));
  }
  const others = (
    kind: RegisterText["kind"],
    prefix: string,
    count: number,
    width: number,
  ): void => {
    for (let number = 0; number < count; number += 1) {
      registers.set(`${prefix}${number}`, {
        is: "register",
        kind,
        width,
        register: { number, high: false },
      });
    }
  };
  others("xmm", "xmm", 16, 128);
  others("mmx", "mm", 8, 64);
  others("x87", "st", 8, 80);
  others("control", "cr", 9, 64);
  others("debug", "dr", 8, 64);
  for (const [number, name] of SEGMENT_NAMES.entries()) {
    registers.set(name.toLowerCase(), {
      is: "register",
      kind: "segment",
      width: 16,
      register: { number, high: false },
    });
  }
  return registers;
}

const REGISTERS = makeRegisters();
const SIZES: Readonly<Record<string, number>> = {
  byte: 8,
  word: 16,
  dword: 32,
  qword: 64,
  tword: 80,
  xmmword: 128,
};

/** Parses one operand. Throws InputError with what is wrong. */
export function parseOperandText(text: string, labels: LabelValue): OperandText {
  const lower = text.trim().toLowerCase();
  const register = REGISTERS.get(lower);
  if (register !== undefined) return register;
  if (lower.includes("[")) return parseMemory(text.trim(), labels);
  return parseNumber(text.trim(), labels);
}

function parseMemory(text: string, labels: LabelValue): MemoryText {
  const found = /^(?:(byte|word|dword|qword|tword|xmmword)\s+)?(?:([c-gs]s):)?\[([^\]]+)\]$/i.exec(
    text,
  );
  if (found === null)
    throw new InputError(`${text}: expected an address as dword fs:[rbx + 4*rcx + 8]`);
  const [, size, segment, inside = ""] = found;
  return {
    is: "memory",
    width: size === undefined ? null : (SIZES[size.toLowerCase()] ?? null),
    segment: segment === undefined ? null : (segment.toUpperCase() as SegmentName),
    memory: parseAddress(inside, labels),
  };
}

/** Sum of a base, an index with scale, and numbers; `rel name` is a label relative to RIP. */
function parseAddress(text: string, labels: LabelValue): MemoryOperand {
  const relative = /^\s*rel\s+(.+)$/i.exec(text);
  if (relative !== null) {
    const { value } = parseNumber((relative[1] as string).trim(), labels);
    return { base: "rip", index: null, scale: 1, displacement: value };
  }
  let base: number | null = null;
  let index: number | null = null;
  let scale: MemoryOperand["scale"] = 1;
  let displacement = 0n;
  for (const [term = ""] of text.matchAll(/[+-]?[^+-]+/g)) {
    const sign = term.trim().startsWith("-") ? -1n : 1n;
    const plain = term
      .trim()
      .replace(/^[+-]\s*/, "")
      .trim();
    const scaled = /^(?:([1248])\s*\*\s*(\w+)|(\w+)\s*\*\s*([1248]))$/.exec(plain);
    const name = (scaled?.[2] ?? scaled?.[3] ?? plain).toLowerCase();
    const register = REGISTERS.get(name);
    if (register === undefined) {
      displacement += sign * parseNumber(plain, labels).value;
    } else if (scaled !== null || base !== null) {
      index = register.register.number;
      scale = Number(scaled?.[1] ?? scaled?.[4] ?? 1) as MemoryOperand["scale"];
    } else {
      base = register.register.number;
    }
  }
  return { base, index, scale, displacement };
}

/** A number, a character, or a label, with a number added or taken. */
function parseNumber(text: string, labels: LabelValue): NumberText {
  if (/^'.'$/.test(text))
    return { is: "number", value: BigInt(text.charCodeAt(1)), isLabel: false };
  if (/^-?(?:0x[0-9a-f_]+|\d[\d_]*)$/i.test(text)) {
    const digits = text.replaceAll("_", "");
    const value = digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits);
    return { is: "number", value, isLabel: false };
  }
  const found = /^([a-z_.][\w.]*)\s*(?:([+-])\s*(0x[0-9a-f]+|\d+))?$/i.exec(text);
  if (found === null)
    throw new InputError(`${text}: expected a register, an address, a number or a label`);
  const [, name = "", sign, plus = "0"] = found;
  const added = BigInt(plus) * (sign === "-" ? -1n : 1n);
  return { is: "number", value: labels(name) + added, isLabel: true };
}
