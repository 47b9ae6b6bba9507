/** Exceptions as values: SDM Vol. 3, "Interrupt and Exception Handling". */

import type { Raised } from "./transfer/deliver.ts";
import type { PlainFault } from "./uop.ts";
import type { VmExit } from "./virtualization.ts";

export const VECTORS = {
  "#DE": 0,
  "#DB": 1,
  "#BP": 3,
  "#OF": 4,
  "#BR": 5,
  "#UD": 6,
  "#NM": 7,
  "#DF": 8,
  "#TS": 10,
  "#NP": 11,
  "#SS": 12,
  "#GP": 13,
  "#PF": 14,
  "#MF": 16,
  "#AC": 17,
  "#XM": 19,
} as const;

export interface Fault {
  readonly vector: number;
  /** Null when the exception pushes none. */
  readonly errorCode: number | null;
  /** The linear address of a page fault, for CR2. */
  readonly address: bigint | null;
  /** Bits of DR6 that a debug exception sets. */
  readonly debug?: number;
  /** Not an exception, but a VM exit in place of the instruction. */
  readonly exit?: VmExit;
  /** The event in whose delivery it was met, where an instruction delivers one. */
  readonly during?: Raised;
}

/** What `vector` is of a VM exit. */
const NO_VECTOR = -1;

/** A VM exit goes the way of a fault: the instruction is not executed, and nothing of it is committed. */
export const exitFault = (exit: VmExit): Fault => ({
  vector: NO_VECTOR,
  errorCode: null,
  address: null,
  exit,
});

export function plainFault(name: PlainFault): Fault {
  if (name === "#GP(0)") return GP0;
  if (name === "#SS(0)") return SS0;
  return { vector: VECTORS[name], errorCode: null, address: null };
}

export const GP0: Fault = { vector: VECTORS["#GP"], errorCode: 0, address: null };
export const SS0: Fault = { vector: VECTORS["#SS"], errorCode: 0, address: null };

/** Exceptions with an error code, and those of delivery that name a selector. */
export const fault = (name: keyof typeof VECTORS, errorCode: number | null): Fault => ({
  vector: VECTORS[name],
  errorCode,
  address: null,
});

/** The error code that names a selector (SDM Vol. 3, "Error Code"): its RPL gives way to EXT and IDT. */
export const selectorFault = (
  name: "#TS" | "#NP" | "#SS" | "#GP",
  selector: number,
  external = false,
): Fault => fault(name, (selector & 0xfffc) | (external ? 1 : 0));
