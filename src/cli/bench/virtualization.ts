/** What virtualisation costs: round trips between a guest and its host, and user code in a guest. */

import { performance } from "node:perf_hooks";
import {
  GuestPrograms,
  type HypervisorName,
  type Kernel,
  KERNELS,
  RoundTrips,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";
import { sharesOfBare } from "./share-of-bare.ts";

const ROUNDS = 5;
const SLICE_CYCLES = 500_000;
const ROUND_TRIPS_BAR = 500_000;
const SHARE_BAR = 90;

export const virtualization = (name: HypervisorName): readonly Measurement[] => [
  {
    what: "round trips",
    measure(seconds) {
      const trips = new RoundTrips(name);
      const rates: number[] = [];
      let before = trips.run(SLICE_CYCLES);
      // The first round warms up and is not counted.
      for (let round = 0; round <= ROUNDS; round += 1) {
        const started = performance.now();
        let made = before;
        while (performance.now() - started < (seconds * 1000) / ROUNDS)
          made = trips.run(SLICE_CYCLES);
        const rate = ((made - before) * 1000) / (performance.now() - started);
        if (round > 0) rates.push(rate);
        before = made;
      }
      const bar = { relation: "at least", value: ROUND_TRIPS_BAR } as const;
      return [figure("round trips of entry and exit", "a second", rates, bar)];
    },
  },
  ...KERNELS.map((kernel) => share(name, kernel)),
];

function share(name: HypervisorName, kernel: Kernel): Measurement {
  return {
    what: `${kernel.name} in a guest`,
    measure(seconds) {
      const programs = new GuestPrograms(kernel);
      const shares = sharesOfBare(
        () => programs.start(null),
        () => programs.start(name),
        seconds,
      );
      const bar = { relation: "at least", value: SHARE_BAR } as const;
      return [figure(`kernel ${kernel.name} in a guest`, "% of bare", shares, bar)];
    },
  };
}
