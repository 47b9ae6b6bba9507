/**
 * CVTTSD2SI: a double to an integer, truncated.
 * SDM Vol. 2A, "CVTTSD2SI—Convert With Truncation Scalar Double Precision Floating-Point Value to Signed Integer".
 */

import { toGeneral } from "../../vector-patterns.ts";
import { SD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTSD2SI = vectorInstruction("CVTTSD2SI", {
  feature: "SSE2",
  forms: [
    ["F2 0F 2C /r", "r32, xmm1/m64"],
    ["F2 REX.W 0F 2C /r", "r64, xmm1/m64"],
  ],
  semantics: toGeneral("truncate", SD),
});
