/**
 * CVTPI2PD: two integers to double precision.
 * SDM Vol. 2A, "CVTPI2PD—Convert Packed Dword Integers to Packed Double Precision Floating-Point Values".
 */

import { PD, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPI2PD = vectorInstruction("CVTPI2PD", {
  feature: "SSE2",
  forms: [["66 0F 2A /r", "xmm, mm/m64"]],
  semantics: (v, dst, src) => {
    const integers = v.read(src);
    v.write(dst, v.float("fromInteger", PD, integers, integers));
  },
});
