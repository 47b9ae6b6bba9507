/** NOP: no operation. SDM Vol. 2B, "NOP—No Operation". */

import { instruction } from "../instruction.ts";

export const NOP = instruction("NOP", {
  forms: [
    ["90", ""],
    ["0F 1F /0", "r/m16"],
    ["0F 1F /0", "r/m32"],
    ["REX.W + 0F 1F /0", "r/m64"],
  ],
  semantics: () => undefined,
});
