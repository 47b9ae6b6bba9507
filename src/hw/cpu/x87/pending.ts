/** Exceptions that are pending when an x87 or MMX instruction begins: SDM Vol. 1, "Handling x87 FPU Exceptions in Software". */

import type { AssistContext } from "../assist.ts";
import { type Fault, VECTORS } from "../fault.ts";
import { codeSizeOf } from "../mode.ts";
import { BIT, type CpuState, OFFSET } from "../state.ts";
import { WIRES, X87Unit } from "./unit.ts";

/** An exception is pending, and a waiting instruction has to do something about it. */
export function mustWait(state: CpuState): boolean {
  if (!new X87Unit(state).isPending) return false;
  const ignores = (state.view.getUint8(OFFSET.x87Wires) & WIRES.IGNNE) !== 0;
  return state.has("CR0", BIT.CR0.NE) || !ignores;
}

/**
 * #MF with CR0.NE. Without, the instruction asserts FERR# and waits, that is, it is executed again and again, until
 * an interrupt that the board makes of it leads to code that ends the exception or asserts IGNNE# (SDM Vol. 1, "MS-DOS
 * Compatibility Sub-mode").
 */
export function waitFor(context: AssistContext): Fault | null {
  const { state, environment } = context;
  if (state.has("CR0", BIT.CR0.NE))
    return { vector: VECTORS["#MF"], errorCode: null, address: null };
  const wires = state.view.getUint8(OFFSET.x87Wires);
  if ((wires & WIRES.FERR) === 0) environment.assertFerr();
  state.view.setUint8(OFFSET.x87Wires, wires | WIRES.FERR);
  state.rip = startOf(context);
  return null;
}

/** The offset of the instruction itself. */
export function startOf({ state, nextRip, decoded }: AssistContext): bigint {
  return BigInt.asUintN(codeSizeOf(state) === 64 ? 64 : 32, nextRip - BigInt(decoded.length));
}
