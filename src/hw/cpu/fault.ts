/** Exceptions as values: SDM Vol. 3, "Interrupt and Exception Handling". */

import type { PlainFault } from "./uop.ts";

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
}

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
