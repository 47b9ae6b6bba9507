/** LEA: load effective address. SDM Vol. 2A, "LEA—Load Effective Address". */

import { instruction } from "../instruction.ts";

export const LEA = instruction("LEA", {
  forms: [
    ["8D /r", "r16, m"],
    ["8D /r", "r32, m"],
    ["REX.W + 8D /r", "r64, m"],
  ],
  semantics: (u, dst, src) => u.write(dst, u.resize(u.address(src), dst.width)),
});
