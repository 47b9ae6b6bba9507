/** PEXTRW: a word to a general register or memory. SDM Vol. 2B, "PEXTRW—Extract Word". */

import { extractByImmediate } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PEXTRW = vectorInstruction("PEXTRW", {
  feature: "SSE2",
  forms: [
    ["NP 0F C5 /r ib", "reg, mm, imm8", { feature: "SSE" }],
    ["66 0F C5 /r ib", "reg, xmm, imm8"],
    ["66 0F 3A 15 /r ib", "reg/m16, xmm, imm8", { feature: "SSE4.1" }],
  ],
  semantics: extractByImmediate(16),
});
