/** Threads that do nothing but pass time, on CPUs that do nothing else either: what the scheduler alone costs. */

import { Cgroups } from "../linux/cgroups/cgroup.ts";
import { CpuController } from "../linux/cgroups/cpu-controller.ts";
import { IoController } from "../linux/cgroups/io-controller.ts";
import { MemoryController } from "../linux/cgroups/memory-controller.ts";
import { flatTopology } from "../linux/sched/topology.ts";
import type { ScheduledCpu } from "../linux/sched/scheduled-cpu.ts";
import { Scheduler } from "../linux/scheduler.ts";
import type { Slice } from "../sim/schedule.ts";
import type { Cell } from "../sim/snapshot.ts";
import { World } from "../sim/world.ts";

export class LightCpu implements ScheduledCpu {
  readonly name: string;
  readonly number: number;
  readonly #cell: Cell<{ clock: number }>;
  #slice: Slice | null = null;

  constructor(world: World, number: number) {
    this.name = `cpu${number}`;
    this.number = number;
    this.#cell = world.registry.plain(this.name, { clock: 0 });
  }

  get clock(): number {
    return this.#cell.value.clock;
  }

  begin(slice: Slice): void {
    this.#cell.value.clock = slice.clock;
    this.#slice = slice;
  }

  end(): void {
    this.#slice = null;
  }

  tick(): void {
    if (this.#slice !== null) this.#slice.clock = this.clock;
  }

  /** It runs no guest. */
  kick(): void {}

  idle(until: number): void {
    this.pass(Math.max(0, until - this.clock));
  }

  pass(time: number): void {
    this.#cell.value.clock += time;
    this.tick();
  }
}

/** Less than anybody asks to pass at once: a slice that has begun is not left at the end of a run. */
const SLICE = 100_000_000;
const NICE = [-5, 0, 0, 5];

/** On one CPU. */
export class ScheduledThreads {
  readonly #world: World;
  #turns = 0;

  constructor(threads: number) {
    this.#world = World.create(
      {
        name: "scheduled",
        version: 1,
        parse: () => null,
        images: () => [],
        build: (world) => this.#build(world, threads),
        start: () => undefined,
      },
      { config: null, epochCycles: 0, sliceCycles: SLICE },
    );
  }

  /** How often somebody was chosen so far. */
  get decisions(): number {
    return this.#turns;
  }

  /** Until so much virtual time has passed. */
  runFor(time: number): void {
    this.#world.runUntil(this.#world.now + time);
  }

  release(): void {
    this.#world.release();
  }

  #build(world: World, threads: number): void {
    const controller = new CpuController(world, "", 1);
    const memory = new MemoryController(world, "");
    const cgroups = new Cgroups(world, "", {
      cpu: controller,
      memory,
      io: new IoController(world, ""),
    });
    const scheduler = new Scheduler<LightCpu, { readonly id: number }>(world, {
      prefix: "",
      cpus: [new LightCpu(world, 0)],
      topology: flatTopology(1),
      cgroups,
      controller,
    });
    for (let i = 0; i < threads; i += 1) {
      const thread = scheduler.spawn({ id: 0 }, `thread${i}`, ({ cpu, limit }) => {
        this.#turns += 1;
        cpu.pass(limit - cpu.clock);
        return "runs";
      });
      const nice = NICE[i % NICE.length] ?? 0;
      scheduler.setAttributes(thread, { policy: "SCHED_OTHER", nice, slice: null });
      scheduler.wake(thread);
    }
  }
}
