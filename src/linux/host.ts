/** A host: memory whose frames a kernel manages, and physical CPUs of one kind. */

import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import type { Decoder } from "../hw/cpu/decode.ts";
import { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { PagedMemory } from "../sim/paged-memory.ts";
import { Frames } from "./frames.ts";
import { HOST_CPU_BYTES, HostCpu } from "./host-cpu.ts";
import { Task } from "./task.ts";

export interface HostParameters {
  readonly profile: CpuProfile;
  readonly decoder: Decoder;
  readonly memoryBytes: number;
  readonly cpus: number;
}

export class Host {
  readonly physical: PhysicalMemory;
  readonly frames: Frames;
  readonly cpus: readonly HostCpu[];
  #tasks = 0;

  constructor({ profile, decoder, memoryBytes, cpus }: HostParameters) {
    const ram = new PagedMemory(memoryBytes, cpus * HOST_CPU_BYTES);
    this.physical = new PhysicalMemory(ram);
    this.frames = new Frames(ram);
    this.cpus = Array.from(
      { length: cpus },
      (_, number) => new HostCpu({ number, profile, decoder, physical: this.physical }),
    );
  }

  newTask(): Task {
    this.#tasks += 1;
    return new Task(this.#tasks, this.frames);
  }
}
