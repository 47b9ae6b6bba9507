/** PCMPISTRI: compares strings that end in zero and gives an index. SDM Vol. 2B, "PCMPISTRI—Packed Compare Implicit Length Strings, Return Index". */

import { compareStrings } from "../../string-compare.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPISTRI = vectorInstruction("PCMPISTRI", {
  feature: "SSE4.2",
  forms: [["66 0F 3A 63 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v) => v.u.assist(compareStrings("implicit", "index")),
});
