/**
 * Threads of the scheduler in a world with light CPUs, which do nothing but pass time: what each has run, waited and
 * used, seen from outside.
 */

import { LightCpu } from "../../src/api/scheduled-threads.ts";
import { Cgroups } from "../../src/linux/cgroups/cgroup.ts";
import { CpuController } from "../../src/linux/cgroups/cpu-controller.ts";
import { IoController } from "../../src/linux/cgroups/io-controller.ts";
import { MemoryController } from "../../src/linux/cgroups/memory-controller.ts";
import type { Topology } from "../../src/linux/sched/topology.ts";
import { Scheduler, type ThreadOutcome, type Turn } from "../../src/linux/scheduler.ts";
import type { SchedulePlan } from "../../src/sim/schedule.ts";
import type { Cell } from "../../src/sim/snapshot.ts";
import { World } from "../../src/sim/world.ts";

type LightTurn = Turn<LightCpu, { readonly id: number }>;
type LightScheduler = Scheduler<LightCpu, { readonly id: number }>;

/** What a thread does again and again. */
export interface Work {
  /** Runs so long, and then */
  readonly runs: number;
  /** sleeps so long; 0 for never. */
  readonly sleeps: number;
  /** Before it sleeps, it wakes this one, by position. */
  readonly wakes?: number;
}

export interface Scene {
  readonly topology: Topology;
  readonly works: readonly Work[];
  readonly sliceCycles?: number;
  /** Which CPUs run ahead of others. */
  readonly schedule?: SchedulePlan;
}

/** Somebody ran. */
export interface Stretch {
  readonly thread: number;
  readonly cpu: number;
  readonly from: number;
  to: number;
}

interface Progress {
  left: number;
  isAsleep: boolean;
}

const MOST_STRETCHES = 200_000;
const TASK = { id: 1 };

export class ScheduledWorld {
  readonly world: World;
  readonly stretches: Stretch[] = [];
  /** When each thread was woken, by position. */
  readonly wakings: number[][];
  /** When each went to sleep. */
  readonly sleeps: number[][];
  /** By CPU. */
  readonly #last: Stretch[] = [];
  readonly #works: readonly Work[];
  #parts: {
    readonly scheduler: LightScheduler;
    readonly cgroups: Cgroups;
    readonly cpus: readonly LightCpu[];
    readonly progress: Cell<Progress[]>;
  } | null = null;

  constructor({ topology, works, sliceCycles = 100_000, schedule }: Scene) {
    this.#works = works;
    this.wakings = works.map(() => []);
    this.sleeps = works.map(() => []);
    this.world = World.create(
      {
        name: "scheduled",
        version: 1,
        parse: () => null,
        images: () => [],
        build: (world) => {
          this.#parts ??= this.#build(world, topology);
        },
        start: () => undefined,
      },
      { config: null, epochCycles: 0, sliceCycles, schedule: schedule ?? null },
    );
  }

  get scheduler(): LightScheduler {
    return this.#of.scheduler;
  }

  get cgroups(): Cgroups {
    return this.#of.cgroups;
  }

  /** A group below another, with files written. */
  group(name: string, files: Readonly<Record<string, string>> = {}, parent = 0): number {
    const group = this.cgroups.create(parent, name);
    if (typeof group === "string") throw new Error(group);
    for (const [file, text] of Object.entries(files)) this.write(group, file, text);
    return group;
  }

  write(group: number, file: string, text: string): void {
    const error = this.cgroups.write(group, file, text);
    if (error !== null) throw new Error(`${file} ${text}: ${error}`);
  }

  /** Threads that begin now. */
  wake(...threads: readonly number[]): void {
    for (const thread of threads) this.#wake(thread);
  }

  wakeAll(): void {
    this.wake(...this.#works.keys());
  }

  /** What a thread has run in a window. */
  ran(threads: readonly number[], from: number, to: number): number {
    let sum = 0;
    for (const stretch of this.stretches)
      if (threads.includes(stretch.thread))
        sum += Math.max(0, Math.min(to, stretch.to) - Math.max(from, stretch.from));
    return sum;
  }

  isAsleep(thread: number): boolean {
    return this.#of.progress.value[thread]?.isAsleep === true;
  }

  get #of() {
    if (this.#parts === null) throw new Error("not built");
    return this.#parts;
  }

  #build(world: World, topology: Topology) {
    const cpus = topology.nodeOf.map((_, number) => new LightCpu(world, number));
    const controller = new CpuController(world, "", cpus.length);
    const memory = new MemoryController(world, "");
    const cgroups = new Cgroups(world, "", {
      cpu: controller,
      memory,
      io: new IoController(world, ""),
    });
    cgroups.addTask(TASK.id);
    const scheduler: LightScheduler = new Scheduler(world, {
      prefix: "",
      cpus,
      topology,
      cgroups,
      controller,
    });
    const progress = world.registry.plain<Progress[]>(
      "progress",
      this.#works.map(({ runs }) => ({ left: runs, isAsleep: true })),
    );
    for (const work of this.#works)
      scheduler.spawn(TASK, "worker", (turn) => this.#turn(work, turn));
    world.add({
      name: "sleepers",
      handlers: { wake: (thread) => this.#wake(thread as number) },
    });
    return { scheduler, cgroups, cpus, progress };
  }

  #wake(thread: number): void {
    const progress = this.#of.progress.value[thread];
    if (progress?.isAsleep !== true) return;
    progress.isAsleep = false;
    this.wakings[thread]?.push(this.world.now);
    progress.left = this.#works[thread]?.runs ?? 0;
    this.scheduler.wake(thread);
  }

  #turn(work: Work, turn: LightTurn): ThreadOutcome {
    const { cpu, thread } = turn;
    const progress = this.#of.progress.value[thread] as Progress;
    const from = cpu.clock;
    const time = Math.max(0, Math.min(turn.limit - from, progress.left));
    cpu.pass(time);
    if (work.sleeps > 0) progress.left -= time;
    this.#note({ thread, cpu: cpu.number, from, to: cpu.clock });
    if (work.sleeps === 0 || progress.left > 0) return "runs";
    progress.isAsleep = true;
    this.sleeps[thread]?.push(cpu.clock);
    this.world.postIn(work.sleeps, "sleepers", "wake", thread);
    if (work.wakes !== undefined) this.#wake(work.wakes);
    return "waits";
  }

  #note(stretch: Stretch): void {
    if (stretch.from === stretch.to) return;
    const last = this.#last[stretch.cpu];
    if (last?.thread === stretch.thread && last.to === stretch.from) last.to = stretch.to;
    else {
      this.#last[stretch.cpu] = stretch;
      this.stretches.push(stretch);
    }
    // A law that never ends says nothing.
    if (this.stretches.length > MOST_STRETCHES) throw new Error("threads take turns without end");
  }
}
