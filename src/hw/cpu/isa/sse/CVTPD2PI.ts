/**
 * CVTPD2PI: two numbers of double precision to integers.
 * SDM Vol. 2A, "CVTPD2PI—Convert Packed Double Precision Floating-Point Values to Packed Dword Integers".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPD2PI = vectorInstruction("CVTPD2PI", {
  feature: "SSE2",
  forms: [["66 0F 2D /r", "mm, xmm/m128"]],
  semantics: packedConversion("toInteger", PD, 128),
});
