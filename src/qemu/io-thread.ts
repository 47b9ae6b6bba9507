/** The thread of a VMM that does what no vCPU waits for: deadlines of its devices, frames that arrive, requests to disks. QEMU, docs/devel/multiple-iothreads.txt. */

import type { DiskRequest } from "../hw/chips/virtio/block.ts";
import type { Host } from "../linux/host.ts";
import type { Scheduler, ThreadOutcome, Turn } from "../linux/scheduler.ts";
import type { Task } from "../linux/task.ts";
import type { Cell } from "../sim/snapshot.ts";

/** What the thread has to do. */
export type Job =
  /** The deadline of a part has come. */
  | { readonly is: "settle"; readonly part: string }
  | { readonly is: "receive"; readonly frame: Uint8Array }
  /** The guest is to give away so many pages in all. */
  | { readonly is: "balloon"; readonly pages: number }
  /** A disk's device asks its keeper, and is answered. */
  | {
      readonly is: "submit";
      readonly part: string;
      readonly number: number;
      readonly request: DiskRequest;
    }
  | { readonly is: "complete" | "fail"; readonly part: string; readonly number: number }
  /** Throttled requests may go on. */
  | { readonly is: "release" };

interface IoState {
  jobs: readonly Job[];
  /** Of the last request to a disk. */
  number: number;
  /** Frames for which there was no room. */
  dropped: number;
}

/** Frames that wait for the thread: Linux, the queue length of a tap. */
const TAP_QUEUE = 1000;
/** About as long as a turn of an event loop takes. */
const WORK_CYCLES = 2000;

export class IoThread {
  readonly #scheduler: Scheduler;
  readonly #cell: Cell<IoState>;
  readonly #thread: number;

  /** To be made while the world is built; `work` does what there is to do. */
  constructor(host: Host, task: Task, prefix: string, work: (job: Job) => void) {
    this.#scheduler = host.scheduler;
    this.#cell = host.world.registry.plain<IoState>(`${prefix}io`, {
      jobs: [],
      number: 0,
      dropped: 0,
    });
    this.#thread = host.scheduler.spawn(task, `${prefix}iothread`, (turn) =>
      run(this.#cell.value, work, turn),
    );
  }

  /** A deadline that is not yet served needs no second turn; frames beyond the queue of a tap are dropped. */
  add(job: Job): void {
    const state = this.#cell.value;
    const frames = state.jobs.reduce((sum, { is }) => sum + (is === "receive" ? 1 : 0), 0);
    if (job.is === "receive" && frames >= TAP_QUEUE) {
      state.dropped += 1;
      return;
    }
    const isThere =
      job.is === "settle" &&
      state.jobs.some((other) => other.is === "settle" && other.part === job.part);
    if (!isThere) state.jobs = [...state.jobs, job];
    this.#scheduler.wake(this.#thread);
  }

  /** Nobody waits for a request to a disk any more. */
  forget(number: number): void {
    const state = this.#cell.value;
    state.jobs = state.jobs.filter((job) => !("number" in job) || job.number !== number);
  }

  /** For a request to a disk: none comes twice, so that nobody takes an old one's answer for a new one's. */
  newNumber(): number {
    const state = this.#cell.value;
    state.number += 1;
    return state.number;
  }
}

function run(state: IoState, work: (job: Job) => void, turn: Turn): ThreadOutcome {
  const { cpu } = turn;
  for (;;) {
    const [job, ...others] = state.jobs;
    if (job === undefined) return "waits";
    if (cpu.state.cycles >= turn.limit) return "runs";
    cpu.state.cycles += WORK_CYCLES;
    cpu.tick();
    state.jobs = others;
    work(job);
  }
}
