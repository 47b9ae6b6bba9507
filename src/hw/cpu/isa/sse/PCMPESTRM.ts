/** PCMPESTRM: compares strings of given lengths and gives a mask. SDM Vol. 2B, "PCMPESTRM—Packed Compare Explicit Length Strings, Return Mask". */

import { compareStrings } from "../../string-compare.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPESTRM = vectorInstruction("PCMPESTRM", {
  feature: "SSE4.2",
  forms: [["66 0F 3A 60 /r ib", "xmm1, xmm2/m128, imm8", { sizes: [32, 64] }]],
  semantics: (v) => v.u.assist(compareStrings("explicit", "mask")),
});
