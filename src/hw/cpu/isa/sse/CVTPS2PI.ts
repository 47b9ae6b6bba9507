/**
 * CVTPS2PI: two numbers of single precision to integers.
 * SDM Vol. 2A, "CVTPS2PI—Convert Packed Single Precision Floating-Point Values to Packed Dword Integers".
 */

import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPS2PI = vectorInstruction("CVTPS2PI", {
  feature: "SSE",
  forms: [["NP 0F 2D /r", "mm, xmm/m64"]],
  semantics: (v, dst, src) => {
    // Zeros above, which raise nothing.
    const numbers = v.fromScalar(v.readScalar(src, 64));
    v.write(dst, v.float("toInteger", PS, numbers, numbers));
  },
});
