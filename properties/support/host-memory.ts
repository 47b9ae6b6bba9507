/** The memory of a host without processors: frames, groups, a swap device, and tasks that have pages. */

import { Cgroups } from "../../src/linux/cgroups/cgroup.ts";
import { CpuController } from "../../src/linux/cgroups/cpu-controller.ts";
import { IoController } from "../../src/linux/cgroups/io-controller.ts";
import { MemoryController } from "../../src/linux/cgroups/memory-controller.ts";
import type { Frames } from "../../src/linux/mm/frames.ts";
import { MemoryManager } from "../../src/linux/mm/memory-manager.ts";
import { Kernel } from "../../src/linux/kernel.ts";
import { NO_MODULE } from "../../src/linux/security/security.ts";
import { Task } from "../../src/linux/task.ts";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import type { World } from "../../src/sim/world.ts";
import { inWorld } from "./kvm-guest.ts";

export class HostMemory {
  readonly world: World;
  readonly frames: Frames;
  readonly controller: MemoryController;
  readonly cgroups: Cgroups;
  readonly manager: MemoryManager;
  readonly #kernel: Kernel;

  constructor(world: World, pages: number, swapPages: number) {
    this.world = world;
    this.controller = new MemoryController(world, "");
    this.manager = new MemoryManager({
      world,
      prefix: "",
      ram: world.memory("ram", pages * PAGE_SIZE),
      swapBytes: swapPages * PAGE_SIZE,
      controller: this.controller,
    });
    this.frames = this.manager.frames;
    this.cgroups = new Cgroups(world, "", {
      cpu: new CpuController(world, "", 1),
      memory: this.controller,
      io: new IoController(world, ""),
    });
    this.#kernel = new Kernel(world, { prefix: "", security: NO_MODULE });
  }

  newTask(): Task {
    const { pid } = this.#kernel.newProcess("task", null);
    return new Task(pid, this.manager.newSpace(pid), this.#kernel);
  }
}

export const hostMemory = (pages: number, swapPages = 0): HostMemory =>
  inWorld((world) => new HostMemory(world, pages, swapPages));
