/** RDTSC: read time-stamp counter. SDM Vol. 2B, "RDTSC—Read Time-Stamp Counter". */

import { GP0 } from "../../fault.ts";
import { timeStampCounter } from "../../msr/architectural.ts";
import { BIT, type CpuState } from "../../state.ts";
import { systemInstruction, writePair } from "../../system.ts";

/** CR4.TSD keeps the counter for CPL 0. */
export const mayReadTsc = (state: CpuState): boolean =>
  state.cpl === 0 || !state.has("CR4", BIT.CR4.TSD);

export const RDTSC = systemInstruction(
  "RDTSC",
  { feature: "TSC", forms: [["0F 31", ""]] },
  (context) => {
    const { state } = context;
    if (!mayReadTsc(state)) return GP0;
    const intercepted = context.intercepted("RDTSC");
    if (intercepted !== null) return intercepted;
    writePair(state, timeStampCounter(state));
    return null;
  },
);
