/** PAND: bitwise and. SDM Vol. 2B, "PAND—Logical AND". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PAND = vectorInstruction("PAND", {
  feature: "SSE2",
  forms: [
    ["NP 0F DB /r", "mm, mm/m64", { feature: "MMX" }],
    ["66 0F DB /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("and", 64),
});
