/** Laws of the assembler, by the word of an independent disassembler. */

import fc from "fast-check";
import { Decoder as Iced, DecoderOptions, Formatter, FormatterSyntax } from "iced-x86";
import { assemble } from "../../src/guests/assembler.ts";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { law } from "../support/law.ts";

const CODE_SIZE = 64;
const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

const isX87 = ({ map, opcode }: Form): boolean => map === 0 && (opcode & 0xf8) === 0xd8;
const FORMS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms).filter(
  (form) =>
    form.modes.startsWith("V") &&
    form.modrm !== null &&
    (isX87(form) || form.operands.some(({ kind }) => kind.startsWith("mmx"))),
);

law("the-assembler-writes-what-is-read", {
  says: "The text that iced-x86 reads from an x87 or MMX instruction assembles to bytes from which it reads the same text.",
  cites: "SDM Vol. 2, opcode and instruction columns; iced-x86 1.21 as an independent reading",
  forAll: {
    form: fc.constantFrom(...FORMS),
    reg: fc.nat(7),
    // NASM need not name ST(1), and ST(0) has two encodings.
    rm: fc.integer({ min: 2, max: 7 }),
    inMemory: fc.boolean(),
    imm: fc.nat(127),
  },
  runs: 1500,
  holds: ({ form, reg, rm, inMemory, imm }) => {
    const text = read(encode(form, reg, rm, inMemory, imm));
    const again = read(assemble(withBothOperands(text), 0n).bytes);
    if (again === text) return true;
    throw new Error(`${text}, then ${again}`);
  },
});

// Helpers

/** A memory operand is at [RBX]. */
function encode(form: Form, reg: number, rm: number, wanted: boolean, imm: number): Uint8Array {
  const { prefix, modrm } = form;
  const allows = modrm?.allows ?? "register";
  const inMemory = allows === "any" ? wanted : allows === "memory";
  const selects = prefix === "66" || prefix === "F2" || prefix === "F3";
  const field = (modrm?.digit ?? reg) << 3;
  return Uint8Array.from([
    ...(selects ? [Number.parseInt(prefix, 16)] : []),
    ...(!selects && form.operandSize === 16 ? [0x66] : []),
    ...(form.rexW === true ? [0x48] : []),
    ...MAP_BYTES[form.map],
    form.opcode,
    modrm?.fixed ?? (inMemory ? field | 3 : 0xc0 | field | rm),
    ...form.immediates.map(() => imm),
  ]);
}

function read(bytes: Uint8Array): string {
  const formatter = new Formatter(FormatterSyntax.Nasm);
  formatter.hexPrefix = "0x";
  formatter.hexSuffix = "";
  const decoder = new Iced(CODE_SIZE, bytes, DecoderOptions.None);
  const instruction = decoder.decode();
  const text = formatter.format(instruction);
  for (const each of [instruction, decoder, formatter]) each.free();
  // Operand sizes are none of the assembler's words.
  return text.replace(/^o16 /, "").replace("oword", "xmmword");
}

/** NASM leaves ST(0) out where the manual names it. */
function withBothOperands(text: string): string {
  const toOther = /^(f(?:add|sub|subr|mul|div|divr)) to (st\d)$/.exec(text);
  if (toOther !== null) return `${toOther[1]} ${toOther[2]}, st0`;
  const popping = /^(f(?:add|sub|subr|mul|div|divr)p) (st\d)$/.exec(text);
  if (popping !== null) return `${popping[1]} ${popping[2]}, st0`;
  const fromOther = /^(f(?:add|sub|subr|mul|div|divr|cmov\w+|u?comip?)) (st\d)$/.exec(text);
  if (fromOther !== null && !/^f(com|ucom)p?$/.test(fromOther[1] as string))
    return `${fromOther[1]} st0, ${fromOther[2]}`;
  return text;
}
