/** The benchmarks by name. A new one is a file beside this and a line here. */

import type { Benchmark } from "./figures.ts";
import { events } from "./sim-events.ts";
import { seeks } from "./sim-seeks.ts";
import { snapshots } from "./sim-snapshots.ts";

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "sim",
    says: "the simulation kernel: events a second, snapshot, restore, fork, seek",
    measurements: [...events, ...snapshots, ...seeks],
  },
];
