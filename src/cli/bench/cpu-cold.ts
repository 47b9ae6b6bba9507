/** How fast the CPU's engine is where code was never seen before: thousands of functions, generated anew each time. */

import { performance } from "node:perf_hooks";
import {
  assemble,
  PROGRAM_START,
  ProgramMachine,
  type RandomStream,
  RandomStreams,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const ROUNDS = 5;
const FUNCTIONS = 2000;
const LINES = 24;
/** Different lines that functions are put together from. */
const VOCABULARY = 3000;
const SIZE_BYTES = 1 << 20;
const DATA_OFFSET = 0xc_0000n;
const DATA_BYTES = 0x1_0000;
const STACK_OFFSET = 0xf_0000n;

const WORDS = ["rax", "rcx", "rdx", "rbx", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14"];
const HALVES = ["eax", "ecx", "edx", "ebx", "ebp", "r8d", "r9d", "r10d", "r11d", "r12d", "r14d"];

export const cold: readonly Measurement[] = [neverSeen(1), neverSeen(4)];

function neverSeen(passes: number): Measurement {
  const what = `never-seen code, each function executed ${passes === 1 ? "once" : `${passes} times`}`;
  return {
    what,
    measure(seconds) {
      const machine = new ProgramMachine(SIZE_BYTES);
      const stream = new RandomStreams("cold").stream(`programs ${passes}`);
      const vocabulary = Array.from({ length: VOCABULARY }, () => {
        return assemble(anyLine(stream), PROGRAM_START).bytes;
      });
      const rates: number[] = [];
      for (let round = 0; round <= ROUNDS; round += 1) {
        let [instructions, spent] = [0, 0];
        while (spent < (seconds * 1000) / ROUNDS) {
          spent += runFresh(machine, program(stream, vocabulary), passes);
          instructions += passes * (FUNCTIONS * (LINES + 2) + 2);
        }
        if (round > 0) rates.push(instructions / spent / 1000);
      }
      return [figure(what, "MIPS", rates)];
    },
  };
}

/** Milliseconds. */
function runFresh(machine: ProgramMachine, code: Uint8Array, passes: number): number {
  machine.load(code, PROGRAM_START, {
    rDI: BigInt(passes),
    rSI: PROGRAM_START + DATA_OFFSET,
    rSP: PROGRAM_START + STACK_OFFSET,
  });
  const started = performance.now();
  machine.run(Number.MAX_SAFE_INTEGER);
  return performance.now() - started;
}

/** Straight-line user code: arithmetic, moves, loads and stores, with a few conditions. RDI, RSI and RSP stay. */
function anyLine(stream: RandomStream): string {
  const isWide = stream.below(2) === 0;
  const register = (): string => stream.pick(isWide ? WORDS : HALVES);
  const [a, b] = [register(), register()];
  const place = `[rsi + ${8 * stream.below(DATA_BYTES / 8)}]`;
  const number = stream.below(1 << stream.pick([4, 7, 16, 30]));
  switch (stream.below(12)) {
    case 0:
    case 1:
    case 2:
      return `${stream.pick(["add", "sub", "and", "or", "xor", "cmp", "test", "adc"])} ${a}, ${b}`;
    case 3:
      return `${stream.pick(["add", "sub", "and", "or", "xor", "cmp"])} ${a}, ${number}`;
    case 4:
      return `mov ${a}, ${b}`;
    case 5:
    case 6:
      return `mov ${a}, ${place}`;
    case 7:
      return `mov ${place}, ${a}`;
    case 8:
      return `${stream.pick(["add", "xor", "sub"])} ${a}, ${place}`;
    case 9:
      return `${stream.pick(["shl", "shr", "sar", "rol"])} ${a}, ${1 + stream.below(31)}`;
    case 10:
      return `lea ${a}, [${stream.pick(WORDS)} + 4*${stream.pick(WORDS)} + ${number}]`;
    default:
      return stream.pick([`imul ${a}, ${b}`, `cmovz ${a}, ${b}`, `movzx ${a}, byte ${place}`]);
  }
}

const near = (opcode: number, distance: number): readonly number[] => [
  opcode,
  ...[0, 8, 16, 24].map((shift) => (distance >> shift) & 0xff),
];

/** Calls all functions, RDI times; they follow behind. */
function program(stream: RandomStream, vocabulary: readonly Uint8Array[]): Uint8Array {
  const CALL_BYTES = 5;
  const DEC_RDI = [0x48, 0xff, 0xcf];
  const end = FUNCTIONS * CALL_BYTES + DEC_RDI.length;
  const back = [0x0f, ...near(0x85, -(end + 6))];
  const first = end + back.length + 2;
  const [calls, bodies]: [number[], number[]] = [[], []];
  for (let i = 0; i < FUNCTIONS; i += 1) {
    calls.push(...near(0xe8, first + bodies.length - (calls.length + CALL_BYTES)));
    for (let line = 0; line < LINES; line += 1) bodies.push(...stream.pick(vocabulary));
    bodies.push(0xc3);
  }
  return Uint8Array.from([...calls, ...DEC_RDI, ...back, 0x0f, 0x0b, ...bodies]);
}
