/** MASKMOVDQU: bytes to memory where a mask is negative. SDM Vol. 2B, "MASKMOVDQU—Store Selected Bytes of Double Quadword". */

import { linearAddress, segmentOf } from "../../addressing.ts";
import type { AssistContext } from "../../assist.ts";
import type { Fault } from "../../fault.ts";
import { isFault } from "../../mmu.ts";
import { lanesOf } from "../../vector.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

const RDI = 7;

/** Faults as a store of all sixteen bytes, which the manual leaves open and an AMD processor does. */
function storeSelected(context: AssistContext): Fault | null {
  const { state, decoded } = context;
  const bytes = lanesOf(state.xmm(context.register(0)), 8);
  const mask = lanesOf(state.xmm(context.register(1)), 8);
  const selected = [...bytes.keys()].filter((i) => (mask[i] as bigint) >= 0x80n);
  const offset = (i: number): bigint =>
    BigInt.asUintN(decoded.addressSize, state.gpr(RDI) + BigInt(i));
  const name = segmentOf(decoded, "effective");
  const whole = linearAddress(state, name, offset(0), bytes.length, true);
  if (isFault(whole)) return whole;
  for (const i of bytes.keys()) {
    const tried = context.load("effective", offset(i), 1, "modify");
    if (isFault(tried)) return tried;
  }
  for (const i of selected) {
    const fault = context.store("effective", offset(i), 1, bytes[i] as bigint);
    if (fault !== null) return fault;
  }
  return null;
}

export const MASKMOVDQU = vectorInstruction("MASKMOVDQU", {
  feature: "SSE2",
  forms: [["66 0F F7 /r", "xmm1, xmm2"]],
  semantics: (v) => v.u.assist(storeSelected),
});
