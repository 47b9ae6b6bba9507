/**
 * MOVMSKPD: the signs of two doubles.
 * SDM Vol. 2B, "MOVMSKPD—Extract Packed Double Precision Floating-Point Sign Mask".
 */

import { moveMask } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVMSKPD = vectorInstruction("MOVMSKPD", {
  feature: "SSE2",
  forms: [["66 0F 50 /r", "reg, xmm"]],
  semantics: moveMask(64),
});
