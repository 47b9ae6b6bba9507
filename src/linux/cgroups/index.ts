/** The interface files of groups. A new one is a file beside this, named as it, and a line here. */

import { cgroupProcs } from "./cgroup.procs.ts";
import { cgroupThreads } from "./cgroup.threads.ts";
import { cpuIdle } from "./cpu.idle.ts";
import { cpuMaxBurst } from "./cpu.max.burst.ts";
import { cpuMax } from "./cpu.max.ts";
import { cpuStat } from "./cpu.stat.ts";
import { cpuWeight } from "./cpu.weight.ts";
import { cpusetCpusEffective } from "./cpuset.cpus.effective.ts";
import { cpusetCpus } from "./cpuset.cpus.ts";
import type { InterfaceFile } from "./interface-file.ts";
import { ioMax } from "./io.max.ts";
import { ioWeight } from "./io.weight.ts";
import { memoryCurrent } from "./memory.current.ts";
import { memoryEvents } from "./memory.events.ts";
import { memoryHigh } from "./memory.high.ts";
import { memoryMax } from "./memory.max.ts";
import { memoryPeak } from "./memory.peak.ts";

export const INTERFACE_FILES: readonly InterfaceFile[] = [
  cgroupProcs,
  cgroupThreads,
  cpuWeight,
  cpuIdle,
  cpuMax,
  cpuMaxBurst,
  cpuStat,
  cpusetCpus,
  cpusetCpusEffective,
  ioMax,
  ioWeight,
  memoryCurrent,
  memoryEvents,
  memoryHigh,
  memoryMax,
  memoryPeak,
];
