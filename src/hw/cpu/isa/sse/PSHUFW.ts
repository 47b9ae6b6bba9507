/** PSHUFW: four chosen words. SDM Vol. 2B, "PSHUFW—Shuffle Packed Words". */

import { chosenLanes } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PSHUFW = vectorInstruction("PSHUFW", {
  feature: "SSE",
  forms: [["NP 0F 70 /r ib", "mm1, mm2/m64, imm8"]],
  semantics: (v, dst, src, imm) => {
    const chosen = chosenLanes(v, 16, v.u.read(imm), 0, 0);
    v.write(dst, v.swizzle(v.read(src), v.fromScalar(chosen)));
  },
});
