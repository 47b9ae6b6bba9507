/**
 * ORPD: bitwise, on doubles.
 * SDM Vol. 2B, "ORPD—Bitwise Logical OR of Packed Double Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ORPD = vectorInstruction("ORPD", {
  feature: "SSE2",
  forms: [["66 0F 56 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("or", 64),
});
