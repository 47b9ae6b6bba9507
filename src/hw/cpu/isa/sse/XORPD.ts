/**
 * XORPD: bitwise, on doubles.
 * SDM Vol. 2D, "XORPD—Bitwise Logical XOR of Packed Double Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const XORPD = vectorInstruction("XORPD", {
  feature: "SSE2",
  forms: [["66 0F 57 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("xor", 64),
});
