/** PCMPISTRM: compares strings that end in zero and gives a mask. SDM Vol. 2B, "PCMPISTRM—Packed Compare Implicit Length Strings, Return Mask". */

import { compareStrings } from "../../string-compare.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPISTRM = vectorInstruction("PCMPISTRM", {
  feature: "SSE4.2",
  forms: [["66 0F 3A 62 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v) => v.u.assist(compareStrings("implicit", "mask")),
});
