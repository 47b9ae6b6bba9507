/** MOVQ: the low half, with zeros above it in a register. SDM Vol. 2B, "MOVQ—Move Quadword". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVQ = vectorInstruction("MOVQ", {
  feature: "SSE2",
  forms: [
    ["NP 0F 6F /r", "mm, mm/m64", { feature: "MMX" }],
    ["NP 0F 7F /r", "mm/m64, mm", { feature: "MMX" }],
    ["F3 0F 7E /r", "xmm1, xmm2/m64"],
    ["66 0F D6 /r", "xmm2/m64, xmm1"],
  ],
  semantics: (v, dst, src) => {
    const low = v.readScalar(src, 64);
    if (dst.place === "memory") v.store(dst, low);
    else v.write(dst, v.fromScalar(low));
  },
});
