/**
 * What groups ask of the host's disk, as state: limits and weights. Linux, Documentation/admin-guide/cgroup-v2.rst, IO.
 * The disk acts on it. Not modelled: io.stat, io.latency, io.cost, more disks than one, and limits of a group for all
 * below it: those of the group that a task is in count for its requests.
 */

import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import { type IoMax, NO_IO_MAX } from "../block/io-max.ts";
import type { Controller } from "./controllers.ts";

export interface IoSettings {
  readonly max: IoMax;
  /** 1 to 10000: for all disks, and for this one, where something else is said. */
  readonly weight: number;
  readonly deviceWeight: number | null;
}

/** The disk, told after each change, also of a group that is new. */
export interface IoUser {
  /** Its number, `$MAJ:$MIN`. */
  readonly device: string;
  maxChanged(group: number, max: IoMax): void;
  weightChanged(group: number, weight: number): void;
}

/** "The default weight is 100." */
const DEFAULTS: IoSettings = { max: NO_IO_MAX, weight: 100, deviceWeight: null };

export class IoController implements Controller {
  readonly #cell: Cell<{ groups: (IoSettings | null)[] }>;
  user: IoUser | null = null;

  constructor(world: World, prefix: string) {
    this.#cell = world.registry.plain(`${prefix}cgroups.io`, { groups: [DEFAULTS] });
  }

  created(group: number): void {
    this.set(group, DEFAULTS);
  }

  removed(group: number): void {
    this.#cell.value.groups[group] = null;
  }

  settings(group: number): IoSettings {
    return this.#cell.value.groups[group] ?? DEFAULTS;
  }

  /** What is not named stays. */
  set(group: number, change: Partial<IoSettings>): void {
    const settings = { ...this.settings(group), ...change };
    this.#cell.value.groups[group] = settings;
    const { max, weight, deviceWeight } = settings;
    if (change.max !== undefined) this.user?.maxChanged(group, max);
    if (change.weight !== undefined || change.deviceWeight !== undefined)
      this.user?.weightChanged(group, deviceWeight ?? weight);
  }
}
