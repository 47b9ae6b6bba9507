/**
 * CVTPI2PS: two integers to single precision; the high half stays.
 * SDM Vol. 2A, "CVTPI2PS—Convert Packed Dword Integers to Packed Single Precision Floating-Point Values".
 */

import { PS, vectorInstruction } from "../../vector-semantics.ts";

export const CVTPI2PS = vectorInstruction("CVTPI2PS", {
  feature: "SSE",
  forms: [["NP 0F 2A /r", "xmm, mm/m64"]],
  semantics: (v, dst, src) => {
    const integers = v.read(src);
    const converted = v.float("fromInteger", PS, integers, integers);
    const high = v.extract(v.read(dst), 64, 1);
    v.write(dst, v.join(v.extract(converted, 64, 0), high));
  },
});
