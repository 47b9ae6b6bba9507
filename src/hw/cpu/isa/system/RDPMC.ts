/** RDPMC: read performance-monitoring counters. SDM Vol. 2B, "RDPMC—Read Performance-Monitoring Counters". There are none, so every number is wrong. */

import { GP0 } from "../../fault.ts";
import { CR0, CR4 } from "../../state.ts";
import { systemInstruction } from "../../system.ts";

export const RDPMC = systemInstruction("RDPMC", { forms: [["0F 33", ""]] }, (context) => {
  const { state } = context;
  const isAllowed = !state.has("CR0", CR0.PE) || state.cpl === 0 || state.has("CR4", CR4.PCE);
  return isAllowed ? (context.intercepted("RDPMC") ?? GP0) : GP0;
});
