/**
 * What groups ask of CPUs, as state: weights, limits, and which CPUs. Linux,
 * Documentation/admin-guide/cgroup-v2.rst, CPU and Cpuset. The scheduler acts on it. Not modelled: utilization clamps,
 * pressure stall information, real-time groups, memory nodes of cpuset, partitions.
 */

import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import type { Controller } from "./controllers.ts";

/** What cpu.max and cpu.max.burst say, in microseconds; a quota of null is "max". */
export interface Bandwidth {
  readonly quotaUs: number | null;
  readonly periodUs: number;
  readonly burstUs: number;
}

export interface CpuSettings {
  /** 1 to 10000. */
  weight: number;
  isIdle: boolean;
  bandwidth: Bandwidth;
  /** As written to cpuset.cpus; empty for what the parent has. */
  cpus: readonly number[];
}

/** What cpu.stat says, in microseconds. */
export interface CpuStat {
  readonly usageUs: number;
  readonly periods: number;
  readonly throttled: number;
  readonly throttledUs: number;
  readonly bursts: number;
  readonly burstUs: number;
}

/** The scheduler, told after each change. */
export interface CpuUser {
  created(group: number, parent: number): void;
  removed(group: number): void;
  moved(thread: number, group: number): void;
  weightChanged(group: number): void;
  bandwidthChanged(group: number): void;
  /** Of the group and all below. */
  cpusChanged(group: number): void;
  stat(group: number): CpuStat;
}

const UNUSED: CpuStat = {
  usageUs: 0,
  periods: 0,
  throttled: 0,
  throttledUs: 0,
  bursts: 0,
  burstUs: 0,
};
export const DEFAULT_WEIGHT = 100;
const DEFAULT_BANDWIDTH: Bandwidth = { quotaUs: null, periodUs: 100_000, burstUs: 0 };

interface Kept extends CpuSettings {
  readonly parent: number;
}

export class CpuController implements Controller {
  /** Of the host. */
  readonly count: number;
  readonly #cell: Cell<{ groups: (Kept | null)[] }>;
  user: CpuUser | null = null;

  constructor(world: World, prefix: string, count: number) {
    this.count = count;
    this.#cell = world.registry.plain(`${prefix}cgroups.cpu`, { groups: [newSettings(-1)] });
  }

  created(group: number, parent: number): void {
    this.#cell.value.groups[group] = newSettings(parent);
    this.user?.created(group, parent);
  }

  removed(group: number): void {
    this.user?.removed(group);
    this.#cell.value.groups[group] = null;
  }

  moved(thread: number, group: number): void {
    this.user?.moved(thread, group);
  }

  settings(group: number): Readonly<CpuSettings> {
    return this.#of(group);
  }

  setWeight(group: number, weight: number): void {
    this.#of(group).weight = weight;
    this.user?.weightChanged(group);
  }

  setIdle(group: number, isIdle: boolean): void {
    const settings = this.#of(group);
    if (settings.isIdle && !isIdle) settings.weight = DEFAULT_WEIGHT;
    settings.isIdle = isIdle;
    this.user?.weightChanged(group);
  }

  setBandwidth(group: number, bandwidth: Bandwidth): void {
    this.#of(group).bandwidth = bandwidth;
    this.user?.bandwidthChanged(group);
  }

  setCpus(group: number, cpus: readonly number[]): void {
    this.#of(group).cpus = cpus;
    this.user?.cpusChanged(group);
  }

  /** cpuset.cpus.effective: what was asked for of what the parent has; all of that where nothing is left. */
  effectiveCpus(group: number): readonly number[] {
    const { parent, cpus } = this.#of(group);
    if (parent < 0) return Array.from({ length: this.count }, (_, cpu) => cpu);
    const above = this.effectiveCpus(parent);
    const own = above.filter((cpu) => cpus.includes(cpu));
    return own.length > 0 ? own : above;
  }

  stat(group: number): CpuStat {
    return this.user?.stat(group) ?? UNUSED;
  }

  #of(group: number): Kept {
    return this.#cell.value.groups[group] ?? newSettings(-1);
  }
}

const newSettings = (parent: number): Kept => ({
  parent,
  weight: DEFAULT_WEIGHT,
  isIdle: false,
  bandwidth: DEFAULT_BANDWIDTH,
  cpus: [],
});
