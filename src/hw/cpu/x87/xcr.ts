/** The extended control registers: SDM Vol. 3, "Extended Control Registers (Including XCR0)". */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0, plainFault } from "../fault.ts";
import { BIT, type CpuState } from "../state.ts";
import { COMPONENT, inUse, SUPPORTED } from "./xsave.ts";

const [RAX, RCX, RDX] = [0, 1, 2];
const [XCR0, IN_USE] = [0n, 1n];

const low = (state: CpuState, register: number): bigint => BigInt.asUintN(32, state.gpr(register));

/** XCR0; with ECX = 1 what of it is in use. */
export function getExtendedControl({ state }: AssistContext): Fault | null {
  if (!state.has("CR4", BIT.CR4.OSXSAVE)) return plainFault("#UD");
  const number = low(state, RCX);
  if (number !== XCR0 && number !== IN_USE) return GP0;
  const value = number === XCR0 ? state.xcr0 : state.xcr0 & inUse(state);
  state.setGpr(RAX, BigInt.asUintN(32, value));
  state.setGpr(RDX, value >> 32n);
  return null;
}

/** Components that are there, the x87 unit's among them. */
export const isValidXcr0 = (value: bigint): boolean =>
  (value & ~SUPPORTED) === 0n && (value & COMPONENT.x87) !== 0n;

/** A component that is not there, or XCR0 without the x87 unit's, is #GP(0). */
export function setExtendedControl(context: AssistContext): Fault | null {
  const { state } = context;
  if (!state.has("CR4", BIT.CR4.OSXSAVE)) return plainFault("#UD");
  if (state.cpl !== 0) return GP0;
  const intercepted = context.intercepted("XSETBV");
  if (intercepted !== null) return intercepted;
  const value = (low(state, RDX) << 32n) | low(state, RAX);
  if (low(state, RCX) !== XCR0 || !isValidXcr0(value)) return GP0;
  state.xcr0 = value;
  return null;
}
