/**
 * PSIGNB, PSIGNW, PSIGND: negated, as they are or zero, by the signs of the second operand.
 * SDM Vol. 2B, "PSIGNB/PSIGNW/PSIGND—Packed SIGN".
 */

import type { Instruction } from "../../instruction.ts";
import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSIGNB: readonly Instruction[] = [
  vectorInstruction("PSIGNB", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 08 /r", "mm, mm/m64"],
      ["66 0F 38 08 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sign", 8),
  }),
  vectorInstruction("PSIGNW", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 09 /r", "mm, mm/m64"],
      ["66 0F 38 09 /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sign", 16),
  }),
  vectorInstruction("PSIGND", {
    feature: "SSSE3",
    forms: [
      ["NP 0F 38 0A /r", "mm, mm/m64"],
      ["66 0F 38 0A /r", "xmm1, xmm2/m128"],
    ],
    semantics: packedInteger("sign", 32),
  }),
];
