/** PMINUD: minima of unsigned doublewords. SDM Vol. 2B, "PMINUD/PMINUQ—Minimum of Packed Unsigned Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMINUD = vectorInstruction("PMINUD", {
  feature: "SSE4.1",
  forms: [["66 0F 38 3B /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("minUnsigned", 32),
});
