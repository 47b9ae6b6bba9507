/**
 * How a CPU reaches memory: from linear addresses through translation to bytes. Engines share one of these a CPU, so
 * faults and side effects are the same in all.
 */

import type { Fault } from "./fault.ts";

export interface LinearMemory {
  /**
   * Reads `size` bytes (1, 2, 4 or 8), little endian. `modify` demands the right to write, as for an instruction
   * that writes the place next.
   */
  read(linear: bigint, size: number, access: "read" | "modify"): bigint | Fault;
  /** Writes all bytes or, on a fault, none. */
  write(linear: bigint, size: number, value: bigint): Fault | null;
  /** Translates for a fetch: the physical address, or the fault. */
  translateFetch(linear: bigint): number | Fault;
  /** Instruction bytes from a physical address to the end of its page, at most 15. */
  codeBytes(physical: number): Uint8Array;
}

/** Memory as the interpreter wants it: with places that emitted code may reach by itself. */
export interface DirectMemory extends LinearMemory {
  /**
   * Where the page of a linear address lies in linear memory, for reads or for writes, after an access of that kind
   * has succeeded; null when each access has to come here. A page given for writes counts as written until
   * `onForget` is called.
   */
  page(linear: bigint, access: "read" | "write"): number | null;
  /** Tells that code was decoded at a physical address; `changed` is called once when its page is written. */
  watchCode(physical: number, changed: () => void): void;
  /** Called when pages given out must be asked for again: that of one linear address, or all. */
  onForget: ((linear: bigint | null) => void) | null;
  /** Called when a translation that fetches used is gone. */
  onForgetFetch: (() => void) | null;
}

export function isFault(value: bigint | number | Fault | null): value is Fault {
  return typeof value === "object" && value !== null;
}
