/**
 * PTEST: ZF when no bit of the two is common, CF when the first has every bit of the second.
 * SDM Vol. 2B, "PTEST—Logical Compare".
 */

import { vectorInstruction } from "../../vector-semantics.ts";

export const PTEST = vectorInstruction("PTEST", {
  feature: "SSE4.1",
  forms: [["66 0F 38 17 /r", "xmm1, xmm2/m128"]],
  semantics: (v, first, second) => {
    const { u } = v;
    const [a, b] = [v.read(first), v.read(second)];
    const none = u.const(1, 0);
    u.setFlags({
      ZF: v.isZero(v.and(a, b)),
      CF: v.isZero(v.lanes("andNot", 64, a, b)),
      OF: none,
      AF: none,
      SF: none,
      PF: none,
    });
  },
});
