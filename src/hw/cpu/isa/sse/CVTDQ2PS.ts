/**
 * CVTDQ2PS: four integers of 32 bits to singles.
 * SDM Vol. 2A, "CVTDQ2PS—Convert Packed Doubleword Integers to Packed Single Precision Floating-Point Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTDQ2PS = vectorInstruction("CVTDQ2PS", {
  feature: "SSE2",
  forms: [["NP 0F 5B /r", "xmm1, xmm2/m128"]],
  semantics: packedConversion("fromInteger", PS, 128),
});
