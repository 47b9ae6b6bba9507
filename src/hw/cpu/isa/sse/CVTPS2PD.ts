/**
 * CVTPS2PD: two singles to doubles.
 * SDM Vol. 2A, "CVTPS2PD—Convert Packed Single Precision Floating-Point Values to Packed Double Precision Floating-Point Values".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPS2PD = vectorInstruction("CVTPS2PD", {
  feature: "SSE2",
  forms: [["NP 0F 5A /r", "xmm1, xmm2/m64"]],
  semantics: packedConversion("convert", PS, 64),
});
