/** iced-x86 as an independent decoder: what it and ours make of the same bytes. */

import {
  Code,
  Decoder as Iced,
  DecoderOptions,
  type Instruction as IcedInstruction,
  Mnemonic,
  Register,
} from "iced-x86";
import type { CodeSize, Decoded, DecodeFault } from "../../src/hw/cpu/decode.ts";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { GPR_NAMES } from "../../src/hw/cpu/uop.ts";
import { decoder } from "./programs.ts";

/** How two readings of the same bytes compare. */
export interface Comparison {
  /** What differs, in words; null when nothing does. */
  readonly difference: string | null;
  /** The row that our decoder chose. */
  readonly form: Form | null;
  /** iced-x86's name of an encoding that it knows and the tables leave out. */
  readonly leftOut: string | null;
}

export function compareDecoders(bytes: Uint8Array, code: CodeSize): Comparison {
  const ours = decoder.decode(bytes, code);
  const theirs = ask(bytes, code);
  const form = typeof ours === "object" ? ours.form : null;
  if (ourText(ours) === theirs.text) {
    const address = ourAddress(ours, code);
    const isSame = address === null || address === theirs.address;
    const difference = `${ourText(ours)} at ${address} here, at ${theirs.address} by iced-x86`;
    return { difference: isSame ? null : difference, form, leftOut: null };
  }
  if (form === null && !theirs.expected) {
    return { difference: null, form, leftOut: theirs.form };
  }
  const difference = `${ourText(ours)} here, ${theirs.text} (${theirs.form}) by iced-x86`;
  return { difference, form, leftOut: null };
}

/**
 * What the tables leave out of entries that they have, by iced-x86's names of encodings: 0F 0D with a register, which
 * is #UD by the APM and as AMD's processors have it.
 */
const LEFT_OUT = /_0F0D$/;

/** Names of conditions and instructions where iced-x86 prefers another of the manual's synonyms. */
const CONDITIONS: Readonly<Record<string, string>> = {
  NB: "AE",
  Z: "E",
  NZ: "NE",
  NBE: "A",
  NL: "GE",
  NLE: "G",
};

function theirName(mnemonic: string): string {
  const found = /^(J|SET|CMOV)(NB|Z|NZ|NBE|NL|NLE)$/.exec(mnemonic);
  const name = found === null ? mnemonic : `${found[1]}${CONDITIONS[found[2] as string]}`;
  return name.toLowerCase();
}

const OUR_NAMES = new Set(INSTRUCTIONS.map(({ mnemonic }) => theirName(mnemonic)));

function ourText(ours: Decoded | DecodeFault): string {
  if (typeof ours !== "object" || namesNoRegister(ours)) return "no instruction";
  return `${theirName(ours.instruction.mnemonic)} of ${ours.length} bytes`;
}

/** MOV to or from a control or debug register that does not exist: its execution is #UD. */
const namesNoRegister = ({ form, operands }: Decoded): boolean =>
  form.operands.some(({ kind }, i) => {
    const operand = operands[i];
    if (operand?.is !== "register") return false;
    const { number } = operand.register;
    if (kind === "debugReg") return number > 7;
    return kind === "controlReg" && ![0, 2, 3, 4, 8].includes(number);
  });

/** Segment, base, index, scale and displacement, where ModR/M says that an operand is in memory. */
function ourAddress(ours: Decoded | DecodeFault, code: CodeSize): string | null {
  if (typeof ours !== "object" || ours.form.modrm === null) return null;
  const operand = ours.operands.find(({ is }) => is === "memory");
  if (operand?.is !== "memory") return null;
  const { base, index, scale, displacement } = operand.memory;
  const nameOf = (register: number | "rip" | null): string =>
    register === null ? "" : register === "rip" ? "rip" : (GPR_NAMES[register] as string);
  // Without an instruction pointer, so that it is as if the code were at 0.
  const whole = displacement + BigInt(base === "rip" ? ours.length : 0);
  return addressText(
    segmentName(ours.segment, code),
    nameOf(base),
    nameOf(index),
    scale,
    BigInt.asUintN(ours.addressSize, whole),
  );
}

/** RBX, EBX and BX are bx; R9 and R9D are 9. */
const plain = (register: string): string =>
  register.toLowerCase().replace(/^(?:[re](?=[a-z])|r(\d+)[dw]?$)/, "$1");

/** In 64-bit mode the others are one, and prefixes for them mean nothing. */
const segmentName = (name: string, code: CodeSize): string =>
  code === 64 && !/^[FG]S$/.test(name) ? "flat" : name;

const addressText = (
  segment: string,
  base: string,
  index: string,
  scale: number,
  displacement: bigint,
): string =>
  `${segment.toLowerCase()}:${plain(base)}+${plain(index)}*${index === "" ? 1 : scale}+${displacement.toString(16)}`;

function theirAddress(instruction: IcedInstruction, code: CodeSize): string {
  const { memoryBase, memoryIndex, memoryDisplacement } = instruction;
  const nameOf = (register: Register): string =>
    register === Register.None ? "" : Register[register];
  const register = nameOf(memoryBase) || nameOf(memoryIndex);
  const isLong = instruction.memoryDisplSize === 8 || register.startsWith("R");
  const isShort = /^([BS][XIP]|DI)?$/.test(register) && instruction.memoryDisplSize < 4;
  const size = isLong && !/^R\d+D$/.test(register) ? 64 : isShort ? 16 : 32;
  return addressText(
    segmentName(nameOf(instruction.memorySegment), code),
    nameOf(memoryBase),
    nameOf(memoryIndex),
    instruction.memoryIndexScale,
    BigInt.asUintN(size, memoryDisplacement),
  );
}

/** No operation for CPUs that have no such hint: the Reserved-NOP of the opcode map. */
const HINTS = /^(reservednop|prefetchit[01]|cldemote|rdssp[dq])$/;

interface Answer {
  readonly address: string;
  readonly text: string;
  readonly form: string;
  /** The tables should have it. */
  readonly expected: boolean;
}

function ask(bytes: Uint8Array, code: CodeSize): Answer {
  const iced = new Iced(code, bytes.slice(0, 15), DecoderOptions.None);
  const instruction = iced.decode();
  const isValid = !instruction.isInvalid;
  const form = Code[instruction.code] ?? "";
  // The manual has one mnemonic for both sizes of PCMPESTRI, PCMPESTRM, SYSRET and SYSEXIT.
  const mnemonic = (Mnemonic[instruction.mnemonic] ?? "").toLowerCase();
  // With F2 or F3 VMMCALL is VMGEXIT for guests of SEV-ES alone (APM Vol. 3, "VMGEXIT").
  const name = HINTS.test(mnemonic)
    ? "nop"
    : mnemonic
        .replace("vmgexit", "vmmcall")
        .replace(/^(pcmpestr[im])64$|^(sysret|sysexit)q$/, "$1$2");
  const address = isValid ? theirAddress(instruction, code) : "";
  const text = isValid ? `${name} of ${instruction.length} bytes` : "no instruction";
  instruction.free();
  iced.free();
  return { text, form, address, expected: isValid && OUR_NAMES.has(name) && !LEFT_OUT.test(form) };
}
