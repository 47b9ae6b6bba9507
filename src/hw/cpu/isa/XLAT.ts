/** XLAT: table look-up translation. SDM Vol. 2D, "XLAT/XLATB—Table Look-up Translation". */

import { instruction } from "../instruction.ts";

export const XLAT = instruction("XLATB", {
  forms: [["D7", ""]],
  semantics: (u) => {
    const { addressSize } = u.variant;
    const offset = u.add(u.gpr("rBX", addressSize), u.zeroExtend(u.gpr("rAX", 8), addressSize));
    u.setGpr("rAX", u.load("effective", offset, 8));
  },
});
