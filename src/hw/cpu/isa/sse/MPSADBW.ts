/**
 * MPSADBW: sums of absolute differences of four bytes, against eight places in a row.
 * SDM Vol. 2B, "MPSADBW—Compute Multiple Packed Sums of Absolute Difference".
 */

import type { VectorValue } from "../../vector.ts";
import { repeatLane32 } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const MPSADBW = vectorInstruction("MPSADBW", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 42 /r ib", "xmm1, xmm2/m128, imm8"]],
  semantics: (v, dst, src, imm) => {
    const { u } = v;
    const control = u.read(imm);
    const [a, b] = [v.read(dst), v.read(src)];
    const four = repeatLane32(v, b, u.and(control, u.const(8, 3)));
    const start = v.splat(8, u.and(control, u.const(8, 4)));
    const sums = (first: number): VectorValue => {
      const places = [0, 1, 2, 3].flatMap((i) => [0, 1, 2, 3].map((j) => first + i + j));
      const row = v.swizzle(a, v.lanes("add", 8, start, v.constLanes(8, places)));
      const apart = v.or(
        v.lanes("subSaturateUnsigned", 8, row, four),
        v.lanes("subSaturateUnsigned", 8, four, row),
      );
      const ones = (lane: 8 | 16): VectorValue => v.splat(lane, u.const(8, 1));
      return v.lanes("mulAddSigned", 16, v.lanes("mulAddMixed", 8, apart, ones(8)), ones(16));
    };
    v.write(dst, v.lanes("packUnsigned", 32, sums(0), sums(4)));
  },
});
