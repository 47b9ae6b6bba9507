/** CPUID: CPU identification. SDM Vol. 2A, "CPUID—CPU Identification". What it answers is in cpuid/. */

import { cpuid } from "../../cpuid/leaves.ts";
import { RAX, RBX, RCX, RDX, systemInstruction } from "../../system.ts";

export const CPUID = systemInstruction("CPUID", { forms: [["0F A2", ""]] }, (context) => {
  const { state, environment } = context;
  const intercepted = context.intercepted("CPUID");
  if (intercepted !== null) return intercepted;
  const low = (number: number): number => Number(BigInt.asUintN(32, state.gpr(number)));
  const answer = cpuid(environment.profile, state, low(RAX), low(RCX));
  state.setGpr(RAX, BigInt(answer.EAX));
  state.setGpr(RBX, BigInt(answer.EBX));
  state.setGpr(RCX, BigInt(answer.ECX));
  state.setGpr(RDX, BigInt(answer.EDX));
  return null;
});
