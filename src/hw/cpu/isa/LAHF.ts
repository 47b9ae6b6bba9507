/** LAHF: load status flags into AH. SDM Vol. 2A, "LAHF—Load Status Flags Into AH Register". */

import { instruction } from "../instruction.ts";
import { STATUS_FLAGS } from "../uop.ts";

export const LAHF = instruction("LAHF", {
  forms: [
    ["9F", "", { modes: "NE/V" }],
    ["9F", "", { modes: "V/NE", feature: "LAHF/SAHF" }],
  ],
  semantics: (u) => {
    let high = u.const(16, 2);
    for (const flag of ["SF", "ZF", "AF", "PF", "CF"] as const) {
      const bit = u.zeroExtend(u.flag(flag), 16);
      high = u.or(high, u.shl(bit, u.const(16, STATUS_FLAGS[flag])));
    }
    const low = u.zeroExtend(u.gpr("rAX", 8), 16);
    u.setGpr("rAX", u.or(low, u.shl(high, u.const(16, 8))));
  },
});
