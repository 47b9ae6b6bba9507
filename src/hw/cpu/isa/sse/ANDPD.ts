/**
 * ANDPD: bitwise, on doubles.
 * SDM Vol. 2A, "ANDPD—Bitwise Logical AND of Packed Double Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ANDPD = vectorInstruction("ANDPD", {
  feature: "SSE2",
  forms: [["66 0F 54 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("and", 64),
});
