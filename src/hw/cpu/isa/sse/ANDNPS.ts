/**
 * ANDNPS: bitwise, on singles.
 * SDM Vol. 2A, "ANDNPS—Bitwise Logical AND NOT of Packed Single Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ANDNPS = vectorInstruction("ANDNPS", {
  feature: "SSE",
  forms: [["NP 0F 55 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("andNot", 32),
});
