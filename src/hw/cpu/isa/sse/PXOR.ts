/** PXOR: bitwise exclusive or. SDM Vol. 2B, "PXOR—Logical Exclusive OR". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PXOR = vectorInstruction("PXOR", {
  feature: "SSE2",
  forms: [
    ["NP 0F EF /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F EF /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("xor", 64),
});
