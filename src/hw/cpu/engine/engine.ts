/** What every engine is made of, and what it can do. */

import type { Decoder } from "../decode.ts";
import type { Environment } from "../environment.ts";
import type { Fault } from "../fault.ts";
import type { SystemMemory } from "../mmu.ts";
import type { CpuState } from "../state.ts";
import type { Virtualization } from "../virtualization.ts";

export interface EngineParts<Memory extends SystemMemory = SystemMemory> {
  readonly state: CpuState;
  readonly decoder: Decoder;
  readonly memory: Memory;
  readonly environment: Environment;
  /** Absent on a CPU that has none. */
  readonly virtualization?: Virtualization | undefined;
}

export interface Engine {
  /**
   * Executes instructions until the cycle counter reaches `limit` at a boundary, to a fault, or to the boundary where
   * the state asks for attention. One of `attention` at the start is not looked at: the first instruction is executed.
   */
  run(limit: number): Fault | null;
}
