/** XSETBV: writes XCR0, at CPL 0. SDM Vol. 2D, "XSETBV—Set Extended Control Register". */

import { instruction } from "../../instruction.ts";
import { setExtendedControl } from "../../x87/xcr.ts";

export const XSETBV = instruction("XSETBV", {
  feature: "XSAVE",
  forms: [["NP 0F 01 D1", ""]],
  semantics: (u) => u.assist(setExtendedControl),
});
