/** How fast a program runs in a guest, as a share of its speed on a bare machine. */

import { performance } from "node:perf_hooks";

const ROUNDS = 5;
const SLICE_CYCLES = 500_000;

export interface MeasuredProgram {
  readonly cycles: number;
  /** Runs so many cycles more; false when it has come to its end. */
  run(cycles: number): boolean;
}

/** In percent, one for each round. The two are measured by turns, so that what else the machine does weighs on both. */
export function sharesOfBare(
  bare: () => MeasuredProgram,
  guest: () => MeasuredProgram,
  seconds: number,
): readonly number[] {
  const milliseconds = (seconds * 1000) / ROUNDS / 2;
  const shares: number[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const alone = cyclesPerSecond(bare, milliseconds);
    const share = (100 * cyclesPerSecond(guest, milliseconds)) / alone;
    if (round > 0) shares.push(share);
  }
  return shares;
}

/** Without the start of each program: a hypervisor's own instructions, and what is compiled for them. */
function cyclesPerSecond(start: () => MeasuredProgram, least: number): number {
  let cycles = 0;
  let spent = 0;
  while (spent < least) {
    const program = start();
    program.run(SLICE_CYCLES);
    const from = program.cycles;
    const started = performance.now();
    while (program.run(SLICE_CYCLES) && spent + performance.now() - started < least);
    spent += performance.now() - started;
    cycles += program.cycles - from;
  }
  return (cycles * 1000) / spent;
}
