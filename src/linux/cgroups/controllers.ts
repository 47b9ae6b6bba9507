/** The controllers of a host, by name: Linux, Documentation/admin-guide/cgroup-v2.rst, Controllers. */

import type { CpuController } from "./cpu-controller.ts";
import type { IoController } from "./io-controller.ts";
import type { MemoryController } from "./memory-controller.ts";

/** What a controller is told of the tree, each time when it has happened; of a removal, before. */
export interface Controller {
  created(group: number, parent: number): void;
  removed(group: number): void;
  /** A task is in the group from now on; its threads are told of one by one. */
  attached?(task: number, group: number): void;
  moved?(thread: number, group: number): void;
}

/** A new controller is a line here. */
export interface Controllers {
  readonly cpu: CpuController;
  readonly memory: MemoryController;
  readonly io: IoController;
}
