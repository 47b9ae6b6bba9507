/**
 * The last branch and the last interrupt, as AMD's processors record them while DebugCtl.LBR is set: APM Vol. 2,
 * "Control-Transfer Recording"; single steps from branch to branch with BTF: SDM Vol. 3, "Single-Stepping on Branches".
 * Instructions are then executed one by one. A branch to what follows it is not noticed. Intel's record stacks, which
 * differ by model, are not there.
 */

import { DR6 } from "./debug.ts";
import { decodeAt, linearOfCode } from "./decode-at.ts";
import type { EngineParts } from "./engine/engine.ts";
import { readSlot, slotOffset, writeSlot } from "./msr/slots.ts";
import type { CpuState } from "./state.ts";

const DEBUGCTL = slotOffset("IA32_DEBUGCTL") / 4;
const [LBR, BTF] = [1, 2];

export const watchesBranches = ({ words }: CpuState): boolean =>
  ((words[DEBUGCTL] as number) & (LBR | BTF)) !== 0;

/** Where an instruction is, and where the next one is when it does not branch; null when it cannot be decoded. */
export interface Place {
  readonly from: bigint;
  readonly next: bigint | null;
}

export function placeOf(parts: EngineParts): Place {
  const { state } = parts;
  const from = state.rip;
  const found = decodeAt(parts);
  return { from, next: "vector" in found ? null : from + BigInt(found.decoded.length) };
}

/** After the instruction: RIP is elsewhere when it has branched, or an event was delivered. */
export function noteBranch(state: CpuState, { from, next }: Place): void {
  const to = state.rip;
  const control = state.words[DEBUGCTL] as number;
  const hasBranched = to !== next && to !== from;
  if (!hasBranched && (control & BTF) !== 0) state.pendingDebug &= ~DR6.BS;
  if (!hasBranched || (control & LBR) === 0) return;
  if (state.hasEntered || next === null) {
    writeSlot(state, "LASTINTFROMIP", readSlot(state, "LASTBRANCHFROMIP"));
    writeSlot(state, "LASTINTTOIP", readSlot(state, "LASTBRANCHTOIP"));
  }
  writeSlot(state, "LASTBRANCHFROMIP", linearOfCode(state, from));
  writeSlot(state, "LASTBRANCHTOIP", linearOfCode(state, to));
}
