/** What the scheduler needs of a CPU, and what is told of one: Linux, Documentation/trace/events.rst, sched_switch. */

import type { Slice } from "../../sim/schedule.ts";
import { eventType } from "../../sim/trace.ts";
import type { World } from "../../sim/world.ts";

/** What the scheduler needs of a CPU. */
export interface ScheduledCpu {
  readonly name: string;
  readonly number: number;
  /** While it runs threads. */
  readonly clock: number;
  /** From now on the world's time is its time, until the end. */
  begin(slice: Slice): void;
  end(): void;
  /** Before something is asked whose time is the world's. */
  tick(): void;
  /** An IPI: a guest gives the CPU back. */
  kick(): void;
  /** Passes time and does nothing. */
  idle(until: number): void;
}

/** A thread has run on the CPU that is the source: `who` is its name. */
const RAN = eventType("sched.ran", { who: "text", duration: "cycles" });

export function tellRan(world: World, cpu: ScheduledCpu, who: string, duration: number): void {
  world.trace.emit(RAN, cpu.clock, cpu.name, { who, duration });
}
