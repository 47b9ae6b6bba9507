/**
 * Which thread each physical CPU runs: a round robin with one queue. Linux, Documentation/scheduler/sched-design-CFS.rst,
 * says what a scheduler is asked; the fair one takes this one's place.
 */

import type { Cell } from "../sim/snapshot.ts";
import type { Slice } from "../sim/schedule.ts";
import type { World } from "../sim/world.ts";
import { assert } from "../sim/assert.ts";
import type { HostCpu } from "./host-cpu.ts";
import type { Task } from "./task.ts";

/** What has become of a thread that ran: it has reached the limit, waits until somebody wakes it, or is over. */
export type ThreadOutcome = "runs" | "waits" | "exits";

/** What a thread does. All that it knows between two calls is registered state. */
export type ThreadBody = (turn: Turn) => ThreadOutcome;

/** A thread's time on a CPU. */
export interface Turn {
  readonly thread: number;
  readonly task: Task;
  readonly cpu: HostCpu;
  /** Read anew after each thing that may have posted an event. */
  readonly limit: number;
  /** A signal is pending: calls that wait end with EINTR. */
  readonly hasSignal: boolean;
}

interface Thread {
  readonly task: Task;
  readonly body: ThreadBody;
}

interface SchedulerState {
  /** Numbers of threads that could run, the next one first. */
  queue: number[];
  /** By number of the thread. */
  states: ("waits" | "queued" | "runs" | "over")[];
  signals: boolean[];
  /** By number of the CPU: who runs, or -1, and until when if others want to. */
  current: number[];
  until: number[];
}

/** As the kernel's base slice on a small machine. */
const QUANTUM = 3_000_000;
const NOBODY = -1;

export class Scheduler {
  readonly #world: World;
  readonly #cpus: readonly HostCpu[];
  readonly #threads: Thread[] = [];
  readonly #cell: Cell<SchedulerState>;
  /** Told when a thread that ran on a CPU does not any more: Linux, include/linux/preempt.h, preempt notifiers. */
  onSwitchOut: ((cpu: HostCpu) => void) | null = null;

  constructor(world: World, prefix: string, cpus: readonly HostCpu[]) {
    this.#world = world;
    this.#cpus = cpus;
    this.#cell = world.registry.plain<SchedulerState>(`${prefix}scheduler`, {
      queue: [],
      states: [],
      signals: [],
      current: cpus.map(() => NOBODY),
      until: cpus.map(() => 0),
    });
    for (const cpu of cpus)
      world.addRunner({ name: cpu.name, run: (slice) => this.#run(cpu, slice) });
  }

  /** A thread that waits: its number. */
  spawn(task: Task, body: ThreadBody): number {
    this.#cell.value.states.push("waits");
    this.#cell.value.signals.push(false);
    return this.#threads.push({ task, body }) - 1;
  }

  /** No effect on a thread that does not wait. */
  wake(thread: number): void {
    const { queue, states, current } = this.#cell.value;
    if (states[thread] !== "waits") return;
    states[thread] = "queued";
    queue.push(thread);
    // Whoever is first takes it; the others find nothing.
    for (const { number, name } of this.#cpus)
      if (current[number] === NOBODY) this.#world.wake(name);
  }

  /** A thread in a guest leaves it, and one that waits is woken. */
  signal(thread: number): void {
    const { signals, current } = this.#cell.value;
    signals[thread] = true;
    const cpu = this.#cpus.find(({ number }) => current[number] === thread);
    if (cpu?.state.isGuest === true) cpu.isWanted = true;
    this.wake(thread);
  }

  /** Handled. */
  clearSignal(thread: number): void {
    this.#cell.value.signals[thread] = false;
  }

  #run(cpu: HostCpu, slice: Slice): void {
    cpu.begin(slice);
    while (slice.clock < slice.limit) {
      const thread = this.#next(cpu, slice.clock);
      if (thread === NOBODY) {
        slice.park();
        break;
      }
      this.#continue(cpu, slice, thread);
    }
    cpu.end();
  }

  #continue(cpu: HostCpu, slice: Slice, number: number): void {
    const thread = this.#threads[number];
    assert(thread !== undefined, "a thread that was spawned runs");
    const until = this.#cell.value.until[cpu.number] as number;
    const hasSignal = (): boolean => this.#cell.value.signals[number] === true;
    const outcome = thread.body({
      thread: number,
      task: thread.task,
      cpu,
      get limit() {
        return Math.min(slice.limit, until);
      },
      get hasSignal() {
        return hasSignal();
      },
    });
    cpu.tick();
    const state = this.#cell.value;
    if (outcome === "runs") return;
    state.current[cpu.number] = NOBODY;
    state.states[number] = outcome === "waits" ? "waits" : "over";
    this.onSwitchOut?.(cpu);
  }

  /** Who runs from now on: the same, unless its time is over and another waits. */
  #next(cpu: HostCpu, now: number): number {
    const { queue, states, current, until } = this.#cell.value;
    const before = current[cpu.number] as number;
    if (before !== NOBODY && now < (until[cpu.number] as number)) return before;
    if (before !== NOBODY && queue.length > 0) {
      queue.push(before);
      states[before] = "queued";
      this.onSwitchOut?.(cpu);
      cpu.tick();
    } else if (before !== NOBODY) queue.push(before);
    const next = queue.shift() ?? NOBODY;
    current[cpu.number] = next;
    until[cpu.number] = now + QUANTUM;
    if (next !== NOBODY) states[next] = "runs";
    return next;
  }
}
