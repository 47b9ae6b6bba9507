/** PSHUFB: chosen bytes; zero where the choice is negative. SDM Vol. 2B, "PSHUFB—Packed Shuffle Bytes". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const PSHUFB = vectorInstruction("PSHUFB", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 38 00 /r", "mm, mm/m64"],
    ["66 0F 38 00 /r", "xmm1, xmm2/m128"],
  ],
  semantics: (v, dst, src) => {
    const ofMmx = 0x8787_8787_8787_8787n;
    const ofXmm = 0x8f8f_8f8f_8f8f_8f8f_8f8f_8f8f_8f8f_8f8fn;
    const significant = v.const(dst.vector === "mmx" ? ofMmx : ofXmm);
    v.write(dst, v.swizzle(v.read(dst), v.and(v.read(src), significant)));
  },
});
