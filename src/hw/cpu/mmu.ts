/**
 * How a CPU reaches memory: from linear addresses through translation to bytes. Engines share one of these a CPU, so
 * faults and side effects are the same in all.
 */

import type { Fault } from "./fault.ts";

export interface LinearMemory {
  /**
   * Reads `size` bytes (1, 2, 4 or 8), little endian. `modify` demands the right to write, as for an instruction
   * that writes the place next. As whom: by default with the CPL; `system`, the implicit accesses to descriptor
   * tables and task-state segments, which are a supervisor's; `user`, those of a stack at CPL 3 that is entered.
   */
  read(linear: bigint, size: number, access: "read" | "modify", as?: Accessor): bigint | Fault;
  /** Writes all bytes or, on a fault, none. */
  write(linear: bigint, size: number, value: bigint, as?: Accessor): Fault | null;
  /** Translates for a fetch: the physical address, or the fault. */
  translateFetch(linear: bigint): number | Fault;
  /** Instruction bytes from a physical address to the end of its page, at most 15. */
  codeBytes(physical: number): Uint8Array;
}

export type Accessor = "cpl" | "system" | "user";

/** What instructions do to translations (SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches"). */
export interface SystemMemory extends LinearMemory {
  /** To be called after a change of a control register, EFER, RFLAGS.AC or a breakpoint, not of the CPL. Invalidates nothing in the TLBs. */
  contextChanged(): void;
  /** INVLPG: a page in the current PCID, and global translations of it. */
  invalidatePage(linear: bigint): void;
  /** INVPCID type 0: a page in a PCID, but for global translations. */
  invalidatePageOf(pcid: number, linear: bigint): void;
  /** A whole PCID but for its global translations: MOV to CR3 for the PCID that is loaded, INVPCID type 1. */
  invalidatePcid(pcid: number): void;
  /** Every PCID; global translations too, or not: MOV to CR4, INVPCID types 2 and 3. */
  invalidateAll(keepGlobal: boolean): void;
  /** Reads the four PDPTEs of PAE paging at the CR3 given into the state: a reserved bit is #GP(0) and changes nothing. */
  loadPdptes(cr3: bigint): Fault | null;
}

/** For memory that has no translations. */
export abstract class Untranslated {
  contextChanged(): void {}

  invalidatePage(): void {}

  invalidatePageOf(): void {}

  invalidatePcid(): void {}

  invalidateAll(): void {}

  loadPdptes(): Fault | null {
    return null;
  }
}

/** Memory as the interpreter wants it: with places that emitted code may reach by itself. */
export interface DirectMemory extends SystemMemory {
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
  /** Called when all that was given out for the code of the host, or for that of guests, must be asked for again. */
  onForgetSide: ((side: "host" | "guest") => void) | null;
}

export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "vector" in value;
}
