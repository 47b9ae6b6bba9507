/**
 * ORPS: bitwise, on singles.
 * SDM Vol. 2B, "ORPS—Bitwise Logical OR of Packed Single Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ORPS = vectorInstruction("ORPS", {
  feature: "SSE",
  forms: [["NP 0F 56 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("or", 32),
});
