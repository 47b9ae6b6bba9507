/** Laws of decoding: what bytes mean, in all three code sizes, by the word of an independent decoder. */

import fc from "fast-check";
import type { CodeSize } from "../../../src/hw/cpu/decode.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { compareDecoders } from "../../support/iced.ts";
import { law } from "../../support/law.ts";

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
    const { difference } = compareDecoders(bytes, code);
    if (difference !== null) throw new Error(difference);
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
