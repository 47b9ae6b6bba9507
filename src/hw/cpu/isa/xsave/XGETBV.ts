/** XGETBV: XCR0, or the part of it that is in use. SDM Vol. 2D, "XGETBV—Get Value of Extended Control Register". */

import { instruction } from "../../instruction.ts";
import { getExtendedControl } from "../../x87/xcr.ts";

export const XGETBV = instruction("XGETBV", {
  feature: "XSAVE",
  forms: [["NP 0F 01 D0", ""]],
  semantics: (u) => u.assist(getExtendedControl),
});
