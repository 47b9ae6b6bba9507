/**
 * ANDPS: bitwise, on singles.
 * SDM Vol. 2A, "ANDPS—Bitwise Logical AND of Packed Single Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ANDPS = vectorInstruction("ANDPS", {
  feature: "SSE",
  forms: [["NP 0F 54 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("and", 32),
});
