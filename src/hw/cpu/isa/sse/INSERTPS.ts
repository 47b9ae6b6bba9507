/**
 * INSERTPS: a single to a chosen place, and zeros where the immediate says so.
 * SDM Vol. 2A, "INSERTPS—Insert Scalar Single Precision Floating-Point Value".
 */

import { maskOfBits, maskOfLane, repeatLane32 } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const INSERTPS = vectorInstruction("INSERTPS", {
  feature: "SSE4.1",
  forms: [["66 0F 3A 21 /r ib", "xmm1, xmm2/m32, imm8"]],
  semantics: (v, dst, src, imm) => {
    const { u } = v;
    const control = u.read(imm);
    const value =
      src.place === "memory"
        ? v.splat(32, v.readScalar(src, 32))
        : repeatLane32(v, v.read(src), u.shr(control, u.const(8, 6)));
    const place = u.and(u.shr(control, u.const(8, 4)), u.const(8, 3));
    const inserted = v.choose(maskOfLane(v, 32, place), value, v.read(dst));
    v.write(dst, v.lanes("andNot", 32, maskOfBits(v, 32, control, 0), inserted));
  },
});
