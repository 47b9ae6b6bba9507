/** SAHF: store AH into flags. SDM Vol. 2B, "SAHF—Store AH Into Flags". */

import { instruction } from "../instruction.ts";

export const SAHF = instruction("SAHF", {
  forms: [
    ["9E", "", { modes: "NE/V" }],
    ["9E", "", { modes: "V/NE", feature: "LAHF/SAHF" }],
  ],
  semantics: (u) => {
    const ax = u.gpr("rAX", 16);
    u.setFlags({
      SF: u.bit(ax, 15),
      ZF: u.bit(ax, 14),
      AF: u.bit(ax, 12),
      PF: u.bit(ax, 10),
      CF: u.bit(ax, 8),
    });
  },
});
