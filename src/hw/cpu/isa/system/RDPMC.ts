/**
 * RDPMC: read performance-monitoring counters. SDM Vol. 2B, "RDPMC—Read Performance-Monitoring Counters"; APM Vol. 3,
 * "RDPMC". Only AMD's processors have counters here, and these count nothing.
 */

import { GP0 } from "../../fault.ts";
import { AMD_COUNTERS } from "../../msr/amd.ts";
import { readSlot } from "../../msr/slots.ts";
import { BIT } from "../../state.ts";
import { LOW_32, RCX, systemInstruction, writePair } from "../../system.ts";

export const RDPMC = systemInstruction("RDPMC", { forms: [["0F 33", ""]] }, (context) => {
  const { state, environment } = context;
  if (state.cpl !== 0 && !state.has("CR4", BIT.CR4.PCE)) return GP0;
  const intercepted = context.intercepted("RDPMC");
  if (intercepted !== null) return intercepted;
  const name = AMD_COUNTERS[Number(state.gpr(RCX) & LOW_32)];
  if (environment.profile.vendor !== "amd" || name === undefined) return GP0;
  writePair(state, readSlot(state, name));
  return null;
});
