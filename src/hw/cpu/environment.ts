/** What a CPU has around it: its profile, ports, interrupt controller and random numbers. A board provides it. */

import type { RandomStream } from "../../sim/random.ts";
import type { CpuProfile } from "./cpuid/profile.ts";

export interface Environment {
  readonly profile: CpuProfile;
  /** The CPU that starts alone; the others wait for a startup IPI. */
  readonly bootstrap: boolean;
  /** IN: `size` is 1, 2 or 4 bytes; ports that nobody answers read as ones. */
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
  /** The INTR wire. Who raises it sets the state's `attention`. */
  isInterruptAsserted(): boolean;
  /** The interrupt acknowledge cycle: the vector. Asked only while INTR is asserted. */
  acknowledgeInterrupt(): number;
  /** MSRs that the board owns, as those of an x2APIC and IA32_TSC_DEADLINE; null is #GP(0). */
  readMsr(number: number): bigint | null;
  /** False is #GP(0), and nothing has changed. */
  writeMsr(number: number, value: bigint): boolean;
  /** IA32_APIC_BASE has been written. */
  apicBaseChanged(value: bigint): void;
  /** CR8 has been written: bits 7 to 4 of the local APIC's task priority. */
  taskPriorityChanged(value: number): void;
  /** What is added to the cycles to get the time-stamp counter has changed. */
  timeStampCounterMoved(): void;
  /** 64 bits of the CPU's own random stream, for RDRAND and RDSEED; null when there are none. */
  random(): bigint | null;
  /** Why an instruction of virtualisation has failed, for the trace. */
  explain(refusal: Refusal): void;
  /** The x87 unit asserts FERR#: an error while CR0.NE is clear. */
  assertFerr(): void;
}

/** A check of the manual that was not passed. */
export interface Refusal {
  /** What follows from it, as `#GP(0)` or `VM-entry failure`. */
  readonly outcome: string;
  readonly check: string;
  /** The field or register that was looked at, and its value. */
  readonly field: string;
  readonly value: bigint;
  /** Manual, volume, section title. */
  readonly section: string;
}

/** Nothing around: no ports, no interrupts. */
export class BareEnvironment implements Environment {
  readonly profile: CpuProfile;
  readonly bootstrap: boolean = true;
  readonly #random: RandomStream | null;

  /** Without a stream, RDRAND finds no entropy. */
  constructor(profile: CpuProfile, random: RandomStream | null = null) {
    this.profile = profile;
    this.#random = random;
  }

  readPort(_port: number, size: number): number {
    return size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff;
  }

  writePort(_port: number, _size: number, _value: number): void {}

  isInterruptAsserted(): boolean {
    return false;
  }

  acknowledgeInterrupt(): number {
    return 0;
  }

  readMsr(_number: number): bigint | null {
    return null;
  }

  writeMsr(_number: number, _value: bigint): boolean {
    return false;
  }

  apicBaseChanged(_value: bigint): void {}

  taskPriorityChanged(_value: number): void {}

  timeStampCounterMoved(): void {}

  explain(_refusal: Refusal): void {}

  random(): bigint | null {
    return this.#random?.u64() ?? null;
  }

  assertFerr(): void {}
}
