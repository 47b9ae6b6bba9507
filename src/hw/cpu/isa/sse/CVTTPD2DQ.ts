/**
 * CVTTPD2DQ: two doubles to integers of 32 bits, truncated.
 * SDM Vol. 2A, "CVTTPD2DQ—Convert with Truncation Packed Double Precision Floating-Point Values to Packed Doubleword Integers".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTPD2DQ = vectorInstruction("CVTTPD2DQ", {
  feature: "SSE2",
  forms: [["66 0F E6 /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("truncate", PD, 128),
});
