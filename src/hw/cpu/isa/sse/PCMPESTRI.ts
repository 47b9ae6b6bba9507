/** PCMPESTRI: compares strings of given lengths and gives an index. SDM Vol. 2B, "PCMPESTRI—Packed Compare Explicit Length Strings, Return Index". */

import { compareStrings } from "../../string-compare.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPESTRI = vectorInstruction("PCMPESTRI", {
  feature: "SSE4.2",
  forms: [["66 0F 3A 61 /r ib", "xmm1, xmm2/m128, imm8", { sizes: [32, 64] }]],
  semantics: (v) => v.u.assist(compareStrings("explicit", "index")),
});
