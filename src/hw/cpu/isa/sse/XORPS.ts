/**
 * XORPS: bitwise, on singles.
 * SDM Vol. 2D, "XORPS—Bitwise Logical XOR of Packed Single Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const XORPS = vectorInstruction("XORPS", {
  feature: "SSE",
  forms: [["NP 0F 57 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("xor", 32),
});
