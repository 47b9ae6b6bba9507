/**
 * CVTPD2DQ: two doubles to integers of 32 bits.
 * SDM Vol. 2A, "CVTPD2DQ—Convert Packed Double Precision Floating-Point Values to Packed Doubleword Integers".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPD2DQ = vectorInstruction("CVTPD2DQ", {
  feature: "SSE2",
  forms: [["F2 0F E6 /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("toInteger", PD, 128),
});
