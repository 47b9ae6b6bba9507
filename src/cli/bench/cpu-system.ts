/** How fast the CPU is where an operating system is at work: page faults, ports, software interrupts. */

import { performance } from "node:perf_hooks";
import { SYSTEM_KERNELS, type SystemKernel, SystemProgram } from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const ROUNDS = 5;
const SLICE_CYCLES = 200_000;

export const systemKernels: readonly Measurement[] = SYSTEM_KERNELS.map(mips);

function mips(kernel: SystemKernel): Measurement {
  return {
    what: `${kernel.name}: ${kernel.about}`,
    measure(seconds) {
      const program = new SystemProgram(kernel);
      const rates: number[] = [];
      let before = 0;
      // The first round warms up and is not counted.
      for (let round = 0; round <= ROUNDS; round += 1) {
        const started = performance.now();
        let executed = before;
        while (performance.now() - started < (seconds * 1000) / ROUNDS)
          executed = program.run(SLICE_CYCLES);
        const rate = (executed - before) / (1000 * (performance.now() - started));
        if (round > 0) rates.push(rate);
        before = executed;
      }
      return [figure(`system kernel ${kernel.name}`, "MIPS", rates)];
    },
  };
}
