/** PMAXUD: maxima of unsigned doublewords. SDM Vol. 2B, "PMAXUD/PMAXUQ—Maximum of Packed Unsigned Integers". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMAXUD = vectorInstruction("PMAXUD", {
  feature: "SSE4.1",
  forms: [["66 0F 38 3F /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("maxUnsigned", 32),
});
