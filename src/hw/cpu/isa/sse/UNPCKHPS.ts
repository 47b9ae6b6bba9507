/**
 * UNPCKHPS: the high singles of two registers in turn.
 * SDM Vol. 2B, "UNPCKHPS—Unpack and Interleave High Packed Single Precision Floating-Point Values".
 */

import { interleave } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const UNPCKHPS = vectorInstruction("UNPCKHPS", {
  feature: "SSE",
  forms: [["NP 0F 15 /r", "xmm1, xmm2/m128"]],
  semantics: interleave(32, "high"),
});
