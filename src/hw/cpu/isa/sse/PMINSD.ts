/** PMINSD: minima of signed doublewords. SDM Vol. 2B, "PMINSD/PMINSQ—Minimum of Packed Signed Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMINSD = vectorInstruction("PMINSD", {
  feature: "SSE4.1",
  forms: [["66 0F 38 39 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("minSigned", 32),
});
