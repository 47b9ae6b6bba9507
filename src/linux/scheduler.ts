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
  /** By number of the thread: since when it is in the queue, and how long it has been there before in all. */
  queuedAt: number[];
  delays: number[];
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
      queuedAt: [],
      delays: [],
    });
    for (const cpu of cpus)
      world.addRunner({ name: cpu.name, run: (slice) => this.#run(cpu, slice) });
  }

  /** A thread that waits: its number. */
  spawn(task: Task, body: ThreadBody): number {
    const { states, signals, queuedAt, delays } = this.#cell.value;
    states.push("waits");
    signals.push(false);
    queuedAt.push(0);
    delays.push(0);
    return this.#threads.push({ task, body }) - 1;
  }

  /** No effect on a thread that does not wait. */
  wake(thread: number): void {
    const { states, current } = this.#cell.value;
    if (states[thread] !== "waits") return;
    this.#enqueue(thread, this.#world.now);
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

  /** Cycles that a thread could have run and did not: Linux, struct sched_info, run_delay. */
  runDelay(thread: number): number {
    return this.#cell.value.delays[thread] ?? 0;
  }

  /** Who runs on the CPU gives the rest of its time to another, if that is in the queue: Linux, kernel/sched/core.c, yield_to. */
  yieldTo(cpu: HostCpu, thread: number): void {
    const { queue, until } = this.#cell.value;
    const at = queue.indexOf(thread);
    if (at < 0) return;
    queue.unshift(...queue.splice(at, 1));
    until[cpu.number] = cpu.state.cycles;
  }

  #enqueue(thread: number, now: number): void {
    const { queue, states, queuedAt } = this.#cell.value;
    queue.push(thread);
    states[thread] = "queued";
    queuedAt[thread] = now;
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
    const until = (): number => this.#cell.value.until[cpu.number] as number;
    const hasSignal = (): boolean => this.#cell.value.signals[number] === true;
    const outcome = thread.body({
      thread: number,
      task: thread.task,
      cpu,
      get limit() {
        return Math.min(slice.limit, until());
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
    const { queue, states, current, until, queuedAt, delays } = this.#cell.value;
    const before = current[cpu.number] as number;
    if (before !== NOBODY && now < (until[cpu.number] as number)) return before;
    if (before !== NOBODY && queue.length === 0) {
      until[cpu.number] = now + QUANTUM;
      return before;
    }
    if (before !== NOBODY) {
      this.#enqueue(before, now);
      this.onSwitchOut?.(cpu);
      cpu.tick();
    }
    // To leave a guest takes time.
    const start = Math.max(now, cpu.state.cycles);
    const next = queue.shift() ?? NOBODY;
    current[cpu.number] = next;
    until[cpu.number] = start + QUANTUM;
    if (next === NOBODY) return next;
    // Another CPU, ahead in time, may have woken it.
    delays[next] = (delays[next] ?? 0) + Math.max(0, start - (queuedAt[next] ?? 0));
    states[next] = "runs";
    return next;
  }
}
