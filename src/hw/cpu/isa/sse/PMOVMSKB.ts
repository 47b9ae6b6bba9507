/** PMOVMSKB: the highest bits of sixteen bytes. SDM Vol. 2B, "PMOVMSKB—Move Byte Mask". */

import { moveMask } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMOVMSKB = vectorInstruction("PMOVMSKB", {
  feature: "SSE2",
  forms: [
    ["NP 0F D7 /r", "reg, mm", { feature: "SSE" }],
    ["66 0F D7 /r", "reg, xmm"],
  ],
  semantics: moveMask(8),
});
