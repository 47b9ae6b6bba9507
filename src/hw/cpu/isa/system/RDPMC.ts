/** RDPMC: read performance-monitoring counters. SDM Vol. 2B, "RDPMC—Read Performance-Monitoring Counters". There are none, so every number is wrong. */

import { GP0 } from "../../fault.ts";
import { systemInstruction } from "../../system.ts";

export const RDPMC = systemInstruction("RDPMC", { forms: [["0F 33", ""]] }, () => GP0);
