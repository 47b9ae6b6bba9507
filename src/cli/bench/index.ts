/** The benchmarks by name. A new one is a file beside this and a line here. */

import { freshMachines, kernels } from "./cpu.ts";
import type { Benchmark } from "./figures.ts";
import { events } from "./sim-events.ts";
import { seeks } from "./sim-seeks.ts";
import { snapshots } from "./sim-snapshots.ts";

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "cpu",
    says: "the CPU: user code in loops, fresh machines for short programs",
    measurements: [...kernels, ...freshMachines],
  },
  {
    name: "sim",
    says: "the simulation kernel: events a second, snapshot, restore, fork, seek",
    measurements: [...events, ...snapshots, ...seeks],
  },
];
