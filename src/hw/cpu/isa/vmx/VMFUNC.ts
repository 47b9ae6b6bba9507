/** VMFUNC: invoke VM function. SDM Vol. 3, "VMFUNC—Invoke VM Function": #UD where the control "enable VM functions" is 0, as it always is here. */

import { systemInstruction, UD } from "../../system.ts";

export const VMFUNC = systemInstruction(
  "VMFUNC",
  { feature: "VMX", forms: [["NP 0F 01 D4", ""]] },
  () => UD,
);
