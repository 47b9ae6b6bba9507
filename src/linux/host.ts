/** A host: memory whose frames a kernel manages, and physical CPUs of one kind. */

import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import type { Decoder } from "../hw/cpu/decode.ts";
import { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import type { World } from "../sim/world.ts";
import { Cgroups, ROOT } from "./cgroups/cgroup.ts";
import { CpuController } from "./cgroups/cpu-controller.ts";
import { IoController } from "./cgroups/io-controller.ts";
import { MemoryController } from "./cgroups/memory-controller.ts";
import type { Frames } from "./mm/frames.ts";
import { MemoryManager } from "./mm/memory-manager.ts";
import { HostCpu, hostCpuBytes } from "./host-cpu.ts";
import { mount, populate } from "./fs/populate.ts";
import { Kernel } from "./kernel.ts";
import { Scheduler } from "./scheduler.ts";
import type { Blob } from "./security/blob.ts";
import { NO_MODULE, type SecurityModule } from "./security/security.ts";
import { flatTopology, type Topology } from "./sched/topology.ts";
import { Task } from "./task.ts";

export interface HostParameters {
  /** What the names of its state begin with. */
  readonly prefix?: string;
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly memoryBytes: number;
  readonly cpus: number;
  /** One node, and a core for each CPU, where nothing else is said. */
  readonly topology?: Topology;
  /** When it was switched on, in seconds since 1970. */
  readonly date?: number;
  /** Of the swap device; without it there is none. */
  readonly swapBytes?: number;
  /** Bytes that each CPU's engine keeps decoded code in. */
  readonly recordBytes?: number;
  /** Without it everything passes. */
  readonly security?: SecurityModule;
}

/** The first of January 2026. */
export const DATE = 1_767_225_600;
/** For decoded code, where nothing else is said. */
const RECORD_BYTES = 1 << 19;

export class Host {
  readonly world: World;
  readonly prefix: string;
  /** When it was switched on, in seconds since 1970. */
  readonly date: number;
  readonly physical: PhysicalMemory;
  readonly frames: Frames;
  readonly memory: MemoryManager;
  readonly cpus: readonly HostCpu[];
  readonly scheduler: Scheduler;
  readonly cgroups: Cgroups;
  readonly io: IoController;
  readonly kernel: Kernel;

  /** To be made while the world is built: all its state is registered. */
  constructor(world: World, parameters: HostParameters) {
    const { profile, decoder, memoryBytes, cpus, recordBytes = RECORD_BYTES } = parameters;
    const { prefix = "host.", date = DATE, topology = flatTopology(cpus) } = parameters;
    this.world = world;
    this.prefix = prefix;
    this.date = date;
    const ram = world.memory(`${prefix}ram`, memoryBytes, cpus * hostCpuBytes(recordBytes));
    this.physical = new PhysicalMemory(ram);
    const memory = new MemoryController(world, prefix);
    const { swapBytes = 0 } = parameters;
    this.memory = new MemoryManager({ world, prefix, ram, swapBytes, controller: memory });
    this.frames = this.memory.frames;
    this.cpus = Array.from(
      { length: cpus },
      (_, number) =>
        new HostCpu({
          world,
          name: `${prefix}cpu${number}`,
          number,
          profile,
          decoder,
          physical: this.physical,
          recordBytes,
        }),
    );
    const controller = new CpuController(world, prefix, cpus);
    this.io = new IoController(world, prefix);
    this.kernel = newKernel(world, prefix, parameters.security ?? NO_MODULE);
    this.cgroups = new Cgroups(world, prefix, { cpu: controller, memory, io: this.io });
    this.scheduler = new Scheduler(world, {
      prefix,
      cpus: this.cpus,
      topology,
      cgroups: this.cgroups,
      controller,
    });
  }

  /** In the group of who makes it, with a label. */
  newTask(group = ROOT, security: Blob = null): Task {
    return this.taskOf(this.kernel.newProcess("task", security).pid, group);
  }

  /** With memory for a process that is there. */
  taskOf(pid: number, group = ROOT): Task {
    const task = new Task(pid, this.memory.newSpace(pid), this.kernel);
    this.cgroups.addTask(task.id, group);
    task.onExit = () => this.cgroups.removeTask(task.id);
    return task;
  }
}

/** With the devices that every host has. */
function newKernel(world: World, prefix: string, security: SecurityModule): Kernel {
  const kernel = new Kernel(world, { prefix, security });
  mount(kernel, "/dev", "devtmpfs", "devtmpfs");
  populate(kernel, "/dev/null", { kind: "character", driver: "null" });
  populate(kernel, "/dev/net", { kind: "directory" });
  populate(kernel, "/dev/net/tun", { kind: "character", driver: "tun" });
  return kernel;
}
