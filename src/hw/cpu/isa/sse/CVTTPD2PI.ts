/**
 * CVTTPD2PI: two numbers of double precision to integers, truncated.
 * SDM Vol. 2A, "CVTTPD2PI—Convert With Truncation Packed Double Precision Floating-Point Values to Packed Dword Integers".
 */

import { packedConversion } from "../../vector-patterns.ts";
import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTPD2PI = vectorInstruction("CVTTPD2PI", {
  feature: "SSE2",
  forms: [["66 0F 2C /r", "mm, xmm/m128"]],
  semantics: packedConversion("truncate", PD, 128),
});
