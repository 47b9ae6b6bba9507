/** MASKMOVQ: bytes to memory where a mask is negative. SDM Vol. 2B, "MASKMOVQ—Store Selected Bytes of Quadword". */

import type { AssistContext } from "../../assist.ts";
import type { Fault } from "../../fault.ts";
import { lanesOf } from "../../vector.ts";
import { vectorInstruction } from "../../vector-semantics.ts";
import { mustWait, waitFor } from "../../x87/pending.ts";
import { X87Unit } from "../../x87/unit.ts";

const RDI = 7;
const BYTES = 8;

/** Faults as a store of all eight bytes, which the manual leaves open and an AMD processor does. */
function storeSelected(context: AssistContext): Fault | null {
  const { state, decoded } = context;
  if (mustWait(state)) return waitFor(context);
  const unit = new X87Unit(state);
  const lanes = (operand: number): bigint[] =>
    lanesOf(unit.physical(context.register(operand)).significand, 8).slice(0, BYTES);
  const [bytes, mask] = [lanes(0), lanes(1)];
  const offset = BigInt.asUintN(decoded.addressSize, state.gpr(RDI));
  const tried = context.tryStore("effective", offset, BYTES);
  if (tried !== null) return tried;
  for (const [i, byte] of bytes.entries()) {
    if ((mask[i] as bigint) < 0x80n) continue;
    const fault = context.store("effective", offset + BigInt(i), 1, byte);
    if (fault !== null) return fault;
  }
  unit.enterMmx();
  return null;
}

export const MASKMOVQ = vectorInstruction("MASKMOVQ", {
  feature: "SSE",
  forms: [["NP 0F F7 /r", "mm1, mm2"]],
  waitsItself: true,
  semantics: (v) => v.u.assist(storeSelected),
});
