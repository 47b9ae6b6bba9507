/** A process of its own for `bench cpu`: executes one guest instruction and prints when, in milliseconds of Unix time. */

import { performance } from "node:perf_hooks";
import process from "node:process";
import { PROGRAM_START, ProgramMachine } from "../../api/index.ts";

/** NOP, and what else a decoder finds behind it. */
const CODE = Uint8Array.of(0x90, 0x90, 0x90, 0x0f, 0x0b);

const machine = new ProgramMachine();
machine.load(CODE, PROGRAM_START);
machine.run(1);
const retired = machine.state.rip > PROGRAM_START;
process.stdout.write(retired ? `${performance.timeOrigin + performance.now()}\n` : "none\n");
