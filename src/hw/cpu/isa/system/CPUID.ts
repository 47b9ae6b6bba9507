/** CPUID: CPU identification. SDM Vol. 2A, "CPUID—CPU Identification". What it answers is in cpuid/. */

import { cpuid } from "../../cpuid/leaves.ts";
import { carryOutCpuid, systemInstruction } from "../../system.ts";

export const CPUID = systemInstruction("CPUID", { forms: [["0F A2", ""]] }, (context) => {
  const { state, environment } = context;
  const intercepted = context.intercepted("CPUID");
  if (intercepted !== null) return intercepted;
  carryOutCpuid(state, (leaf, subleaf) => cpuid(environment.profile, state, leaf, subleaf));
  return null;
});
