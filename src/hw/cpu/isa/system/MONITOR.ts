/**
 * MONITOR, MWAIT: wait for a write to an address. SDM Vol. 2B, "MONITOR—Set Up Monitor Address", "MWAIT—Monitor Wait".
 * The wait is over at once: the manual lets implementation-dependent events end it, and no write is missed so. A
 * profile does not offer them unless a board asks for them; systems then wait with HLT.
 */

import type { AssistContext } from "../../assist.ts";
import { type Fault, GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { isFault } from "../../mmu.ts";
import { HWCR, MISC_ENABLE } from "../../msr/bits.ts";
import { readSlot } from "../../msr/slots.ts";
import { LOW_32, RAX, RCX, systemInstruction, UD } from "../../system.ts";

/** CPL 0, and not switched off by IA32_MISC_ENABLE or HWCR; of the extensions in rCX only those of `allowed`. */
function refuses({ state, environment }: AssistContext, allowed: bigint): Fault | null {
  if (state.cpl !== 0) return UD;
  const isOff =
    environment.profile.vendor === "amd"
      ? (readSlot(state, "HWCR") & HWCR.MonMwaitDis) !== 0n
      : (readSlot(state, "IA32_MISC_ENABLE") & MISC_ENABLE.MONITOR) === 0n;
  if (isOff) return UD;
  return (state.gpr(RCX) & LOW_32 & ~allowed) === 0n ? null : GP0;
}

export const MONITOR: readonly Instruction[] = [
  systemInstruction("MONITOR", { feature: "MONITOR", forms: [["NP 0F 01 C8", ""]] }, (context) => {
    const refused = refuses(context, 0n) ?? context.intercepted("MONITOR");
    if (refused !== null) return refused;
    const { state, decoded } = context;
    const at = BigInt.asUintN(decoded.addressSize, state.gpr(RAX));
    const byte = context.load("effective", at, 1);
    return isFault(byte) ? byte : null;
  }),
  // Interrupts may end the wait even when masked: bit 0.
  systemInstruction(
    "MWAIT",
    { feature: "MONITOR", forms: [["NP 0F 01 C9", ""]] },
    (context) => refuses(context, 1n) ?? context.intercepted("MWAIT"),
  ),
];
