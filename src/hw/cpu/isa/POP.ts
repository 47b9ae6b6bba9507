/** POP: pop from the stack. SDM Vol. 2B, "POP—Pop a Value From the Stack". Left out: the segment registers. */

import { instruction } from "../instruction.ts";

export const POP = instruction("POP", {
  forms: [
    ["8F /0", "r/m16", { popsFirst: true }],
    ["8F /0", "r/m32", { popsFirst: true, modes: "NE/V" }],
    ["8F /0", "r/m64", { popsFirst: true, default64: true, modes: "V/NE" }],
    ["58+rw", "r16"],
    ["58+rd", "r32", { modes: "NE/V" }],
    ["58+rd", "r64", { default64: true, modes: "V/NE" }],
  ],
  semantics: (u, dst) => {
    const value = u.top(dst.width);
    if (dst.place === "memory") {
      u.write(dst, value);
      u.drop(dst.width / 8);
    } else {
      // POP rSP leaves what was popped.
      u.drop(dst.width / 8);
      u.write(dst, value);
    }
  },
});
