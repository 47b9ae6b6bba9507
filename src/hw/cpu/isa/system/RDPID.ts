/** RDPID: read processor ID. SDM Vol. 2B, "RDPID—Read Processor ID". */

import { readSlot } from "../../msr/slots.ts";
import { systemInstruction } from "../../system.ts";

export const RDPID = systemInstruction(
  "RDPID",
  {
    feature: "RDPID",
    forms: [
      ["F3 0F C7 /7", "r32", { sizes: [null], modes: "NE/V" }],
      ["F3 0F C7 /7", "r64", { sizes: [null], modes: "V/NE" }],
    ],
  },
  (context) => {
    const { state } = context;
    const intercepted = context.intercepted("RDPID");
    if (intercepted !== null) return intercepted;
    state.setGpr(context.register(0), readSlot(state, "IA32_TSC_AUX"));
    return null;
  },
);
