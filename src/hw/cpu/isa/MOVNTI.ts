/** MOVNTI: store doubleword using non-temporal hint. SDM Vol. 2B, "MOVNTI—Store Doubleword Using Non-Temporal Hint". */

import { instruction } from "../instruction.ts";

export const MOVNTI = instruction("MOVNTI", {
  feature: "SSE2",
  forms: [
    ["NP 0F C3 /r", "m32, r32"],
    ["NP REX.W + 0F C3 /r", "m64, r64"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.read(src)),
});
