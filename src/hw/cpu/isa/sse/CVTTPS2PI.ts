/**
 * CVTTPS2PI: two numbers of single precision to integers, truncated.
 * SDM Vol. 2A, "CVTTPS2PI—Convert With Truncation Packed Single Precision Floating-Point Values to Packed Dword Integers".
 */

import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTTPS2PI = vectorInstruction("CVTTPS2PI", {
  feature: "SSE",
  forms: [["NP 0F 2C /r", "mm, xmm/m64"]],
  semantics: (v, dst, src) => {
    // Zeros above, which raise nothing.
    const numbers = v.fromScalar(v.readScalar(src, 64));
    v.write(dst, v.float("truncate", PS, numbers, numbers));
  },
});
