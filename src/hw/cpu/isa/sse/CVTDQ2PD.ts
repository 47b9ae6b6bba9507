/**
 * CVTDQ2PD: the low two integers of 32 bits to doubles.
 * SDM Vol. 2A, "CVTDQ2PD—Convert Packed Doubleword Integers to Packed Double Precision Floating-Point Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTDQ2PD = vectorInstruction("CVTDQ2PD", {
  feature: "SSE2",
  forms: [["F3 0F E6 /r", "xmm1, xmm2/m64"]],
  semantics: packedConversion("fromInteger", PD, 64),
});
