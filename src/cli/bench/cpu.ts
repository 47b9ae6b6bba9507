/** How fast the CPU's engine is: user code in loops, and machines for short programs that were never seen before. */

import { performance } from "node:perf_hooks";
import {
  type Kernel,
  KERNELS,
  PROGRAM_START,
  ProgramMachine,
  RandomStreams,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const ROUNDS = 5;
/** Instructions of a kernel from which the cycles of one are reckoned. */
const SAMPLE_INSTRUCTIONS = 20_000;
/** Emitted code returns to the host so often, which lets the engine below optimise it. */
const SLICE_CYCLES = 2_000_000;
const FRESH_PROGRAM_INSTRUCTIONS = 150;
const PROGRAMS = 64;

export const kernels: readonly Measurement[] = KERNELS.map(mips);

function mips(kernel: Kernel): Measurement {
  return {
    what: `${kernel.name}: ${kernel.about}`,
    measure(seconds) {
      const machine = new ProgramMachine();
      const perCycle = instructionsPerCycle(machine, kernel);
      const rates: number[] = [];
      // The first round warms up and is not counted.
      for (let round = 0; round <= ROUNDS; round += 1) {
        const rate = cyclesPerSecond(machine, kernel, (seconds * 1000) / ROUNDS) * perCycle;
        if (round > 0) rates.push(rate / 1e6);
      }
      return [figure(`kernel ${kernel.name}`, "MIPS", rates)];
    },
  };
}

function instructionsPerCycle(machine: ProgramMachine, kernel: Kernel): number {
  machine.loadKernel(kernel, Math.max(1, Math.floor(kernel.work / 10)));
  let instructions = 0;
  while (instructions < SAMPLE_INSTRUCTIONS && machine.step() === null) instructions += 1;
  return instructions / machine.state.cycles;
}

/** Runs the kernel again and again for about so long. */
function cyclesPerSecond(machine: ProgramMachine, kernel: Kernel, milliseconds: number): number {
  let cycles = 0;
  let spent = 0;
  while (spent < milliseconds) {
    machine.loadKernel(kernel, kernel.work);
    const started = performance.now();
    let ended = false;
    while (!ended && spent + performance.now() - started < milliseconds) {
      ended = machine.run(machine.state.cycles + SLICE_CYCLES) !== null;
    }
    spent += performance.now() - started;
    cycles += machine.state.cycles;
  }
  return (cycles * 1000) / spent;
}

export const freshMachines: readonly Measurement[] = [
  fresh(1000, { relation: "at least", value: 5000 }),
  fresh(10_000, null),
];

function fresh(cycles: number, bar: Parameters<typeof figure>[3]): Measurement {
  return {
    what: `fresh machines, ${FRESH_PROGRAM_INSTRUCTIONS} instructions, ${cycles} executed`,
    measure(seconds) {
      const machine = new ProgramMachine(1 << 16);
      const stream = new RandomStreams("fresh").stream("programs");
      const programs = Array.from({ length: PROGRAMS }, () => program(stream));
      const rates: number[] = [];
      for (let round = 0; round <= ROUNDS; round += 1) {
        const started = performance.now();
        let machines = 0;
        while (performance.now() - started < (seconds * 1000) / ROUNDS) {
          machine.load(programs[machines % PROGRAMS] as Uint8Array, PROGRAM_START);
          machine.run(cycles);
          machines += 1;
        }
        const rate = (machines * 1000) / (performance.now() - started);
        if (round > 0) rates.push(rate);
      }
      return [
        figure(`fresh machines, ${cycles} instructions executed each`, "machines/s", rates, bar),
      ];
    },
  };
}

/** Register arithmetic of many forms, in a loop without end: ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, MOV. */
function program(stream: ReturnType<RandomStreams["stream"]>): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < FRESH_PROGRAM_INSTRUCTIONS - 1; i += 1) {
    const opcode = stream.pick([0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x89]);
    bytes.push(0x48 | stream.pick([0, 1, 4, 5]), opcode, 0xc0 | stream.below(64));
  }
  const back = -(bytes.length + 5);
  return Uint8Array.from([
    ...bytes,
    0xe9,
    ...[0, 8, 16, 24].map((shift) => (back >> shift) & 0xff),
  ]);
}
