/** RDTSCP: read time-stamp counter and processor ID. SDM Vol. 2B, "RDTSCP—Read Time-Stamp Counter and Processor ID". */

import { GP0 } from "../../fault.ts";
import { timeStampCounter } from "../../msr/architectural.ts";
import { readSlot } from "../../msr/slots.ts";
import { RCX, systemInstruction, writePair } from "../../system.ts";
import { mayReadTsc } from "./RDTSC.ts";

export const RDTSCP = systemInstruction(
  "RDTSCP",
  { feature: "RDTSCP", forms: [["0F 01 F9", ""]] },
  (context) => {
    const { state } = context;
    if (!mayReadTsc(state)) return GP0;
    const intercepted = context.intercepted("RDTSCP");
    if (intercepted !== null) return intercepted;
    writePair(state, timeStampCounter(state));
    state.setGpr(RCX, readSlot(state, "IA32_TSC_AUX"));
    return null;
  },
);
