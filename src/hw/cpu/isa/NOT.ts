/** NOT: one's complement negation. SDM Vol. 2B, "NOT—One's Complement Negation". */

import { instruction } from "../instruction.ts";

export const NOT = instruction("NOT", {
  forms: [
    ["F6 /2", "r/m8"],
    ["F7 /2", "r/m16"],
    ["F7 /2", "r/m32"],
    ["REX.W + F7 /2", "r/m64"],
  ],
  lock: true,
  semantics: (u, dst) => u.write(dst, u.not(u.read(dst))),
});
