/** Laws of decoding: what bytes mean, in all three code sizes, by the word of an independent decoder. */

import fc from "fast-check";
import {
  Code,
  Decoder as Iced,
  DecoderOptions,
  type Instruction as IcedInstruction,
  Mnemonic,
  Register,
} from "iced-x86";
import type { CodeSize, Decoded, DecodeFault } from "../../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { GPR_NAMES } from "../../../src/hw/cpu/uop.ts";
import { law } from "../../support/law.ts";
import { decoder } from "../../support/programs.ts";

const ALL_FORMS = INSTRUCTIONS.flatMap(({ forms }) => forms);
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;
const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65] as const;

law("decoders-agree", {
  says: "Where a row of the tables says that bytes are an instruction, iced-x86 says so too, with the same length, mnemonic and address; and where it knows an instruction of ours, so do we.",
  cites:
    'SDM Vol. 2, "Instruction Format" and the opcode columns; iced-x86 1.21 as an independent reading',
  forAll: { bytes: anyBytes(), code: fc.constantFrom<CodeSize[]>(16, 32, 64) },
  runs: 20_000,
  holds: ({ bytes, code }) => {
    const ours = decoder.decode(bytes, code);
    const theirs = ask(bytes, code);
    if (ourText(ours) === theirs.text) {
      const address = ourAddress(ours, code);
      if (address === null || address === theirs.address) return true;
      throw new Error(`${ourText(ours)} at ${address} here, at ${theirs.address} by iced-x86`);
    }
    if (typeof ours !== "object" && !theirs.expected) return true;
    throw new Error(`${ourText(ours)} here, ${theirs.text} (${theirs.form}) by iced-x86`);
  },
});

// Helpers

/** Random bytes, mostly behind the opcode of a row and a few prefixes. */
function anyBytes(): fc.Arbitrary<Uint8Array> {
  const prefixes = fc.oneof(
    { weight: 4, arbitrary: fc.constant<number[]>([]) },
    { weight: 4, arbitrary: fc.array(fc.constantFrom<number[]>(...PREFIXES), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom<number[]>(...PREFIXES), { maxLength: 14 }) },
  );
  const rex = fc.oneof(
    fc.constant<number[]>([]),
    fc.integer({ min: 0x40, max: 0x4f }).map((b) => [b]),
  );
  const opcode = fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.constantFrom(...ALL_FORMS), fc.nat(7))
        .map(([form, low]) => [...MAPS[form.map], form.opcode + (form.plusRegister ? low : 0)]),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...MAPS), fc.nat(255)).map(([m, b]) => [...m, b]),
    },
  );
  const rest = fc.uint8Array({ minLength: 16, maxLength: 16 });
  return fc
    .tuple(prefixes, rex, opcode, rest)
    .map(([a, b, c, d]) => Uint8Array.from([...a, ...b, ...c, ...d]).slice(0, 20));
}

/** Rows of manual entries that the tables leave out, by iced-x86's names of encodings. */
const LEFT_OUT = /^(VEX|EVEX|XOP|D3NOW)_|_(cr|dr|tr)|^Prefetchreserved/i;

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
  if (typeof ours !== "object") return "no instruction";
  return `${theirName(ours.instruction.mnemonic)} of ${ours.length} bytes`;
}

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
  // The manual has one mnemonic for both sizes of PCMPESTRI and PCMPESTRM.
  const mnemonic = (Mnemonic[instruction.mnemonic] ?? "").toLowerCase();
  // And of SYSRET and SYSEXIT.
  const name = mnemonic.replace(/^(pcmpestr[im])64$/, "$1").replace(/^(sysret|sysexit)q$/, "$1");
  const address = isValid ? theirAddress(instruction, code) : "";
  const text = isValid ? `${name} of ${instruction.length} bytes` : "no instruction";
  instruction.free();
  iced.free();
  return { text, form, address, expected: isValid && OUR_NAMES.has(name) && !LEFT_OUT.test(form) };
}
