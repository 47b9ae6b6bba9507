/**
 * ANDNPD: bitwise, on doubles.
 * SDM Vol. 2A, "ANDNPD—Bitwise Logical AND NOT of Packed Double Precision Floating-Point Values".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const ANDNPD = vectorInstruction("ANDNPD", {
  feature: "SSE2",
  forms: [["66 0F 55 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("andNot", 64),
});
