/** PINSRW: a word from a general register or memory. SDM Vol. 2B, "PINSRW—Insert Word". */

import { insertByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PINSRW = vectorInstruction("PINSRW", {
  feature: "SSE2",
  forms: [
    ["NP 0F C4 /r ib", "mm, r32/m16, imm8", { feature: "SSE", sizes: [null] }],
    ["66 0F C4 /r ib", "xmm1, r32/m16, imm8", { sizes: [null] }],
  ],
  semantics: insertByImmediate(16),
});
