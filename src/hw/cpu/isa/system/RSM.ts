/** RSM: resume from system management mode. SDM Vol. 2B, "RSM—Resume from System Management Mode". There is no such mode, and outside it RSM is #UD. */

import { systemInstruction, UD } from "../../system.ts";

export const RSM = systemInstruction(
  "RSM",
  { forms: [["0F AA", ""]] },
  (context) => context.intercepted("RSM") ?? UD,
);
