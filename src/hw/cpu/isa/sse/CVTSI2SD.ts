/**
 * CVTSI2SD: an integer to a double.
 * SDM Vol. 2A, "CVTSI2SD—Convert Doubleword Integer to Scalar Double Precision Floating-Point Value".
 */

import { fromGeneral } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTSI2SD = vectorInstruction("CVTSI2SD", {
  feature: "SSE2",
  forms: [
    ["F2 0F 2A /r", "xmm1, r/m32"],
    ["F2 REX.W 0F 2A /r", "xmm1, r/m64"],
  ],
  semantics: fromGeneral(SD),
});
