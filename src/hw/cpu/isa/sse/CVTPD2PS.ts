/**
 * CVTPD2PS: two doubles to singles.
 * SDM Vol. 2A, "CVTPD2PS—Convert Packed Double Precision Floating-Point Values to Packed Single Precision Floating-Point Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPD2PS = vectorInstruction("CVTPD2PS", {
  feature: "SSE2",
  forms: [["66 0F 5A /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("convert", PD, 128),
});
