/**
 * How a CPU reaches memory: by segment and offset to a linear address, and through translation to bytes. Engines share
 * one of these a CPU, so faults and side effects are the same in all.
 */

import type { Fault } from "./fault.ts";

export type Access = "read" | "write" | "modify" | "fetch";

export interface LinearMemory {
  /**
   * Reads `size` bytes (1, 2, 4 or 8), little endian. `modify` demands the right to write, as for an instruction
   * that writes the place next.
   */
  read(linear: bigint, size: number, access: "read" | "modify"): bigint | Fault;
  /** Writes all bytes or, on a fault, none. */
  write(linear: bigint, size: number, value: bigint): Fault | null;
  /** Up to 15 instruction bytes; fewer, or the fault, where fetching stops. */
  fetch(linear: bigint): { readonly bytes: Uint8Array; readonly fault: Fault | null };
}

export function isFault(value: bigint | Fault | null): value is Fault {
  return typeof value === "object" && value !== null;
}
