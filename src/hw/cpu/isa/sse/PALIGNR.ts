/**
 * PALIGNR: as many bytes of the two operands in a row, from a chosen one on.
 * SDM Vol. 2B, "PALIGNR—Packed Align Right".
 */

import { byteNumbers, clamped, joinLow } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PALIGNR = vectorInstruction("PALIGNR", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 3A 0F /r ib", "mm, mm/m64, imm8"],
    ["66 0F 3A 0F /r ib", "xmm1, xmm2/m128, imm8"],
  ],
  semantics: (v, dst, src, imm) => {
    if (dst.vector === "mmx") {
      const both = joinLow(v, v.read(src), v.read(dst));
      const from = v.splat(8, clamped(v, v.u.read(imm), 16));
      v.write(dst, v.swizzle(both, v.lanes("add", 8, from, byteNumbers(v, 0))));
      return;
    }
    const first = v.splat(8, clamped(v, v.u.read(imm), 32));
    const ofSource = v.lanes("add", 8, first, byteNumbers(v, 0));
    const ofDestination = v.lanes("add", 8, first, byteNumbers(v, -16));
    const [low, high] = [v.swizzle(v.read(src), ofSource), v.swizzle(v.read(dst), ofDestination)];
    v.write(dst, v.or(low, high));
  },
});
