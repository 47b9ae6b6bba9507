/** Laws that hold between engines: there is one text of the semantics, and every engine follows it to the cycle. */

import fc from "fast-check";
import { law } from "../../support/law.ts";
import {
  anyLoop,
  anyProgram,
  decoder,
  HOT,
  interpretedMachine,
  look,
  type Machine,
  MEMORY_START,
  type Program,
  referenceMachine,
} from "../../support/programs.ts";

const MAX_CYCLES = 150;

law("engines-agree", {
  says: "On any program from any state, reference and interpreter reach the same state, fault and cycle.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: { program: anyProgram() },
  runs: 300,
  holds: ({ program }) => {
    const [a, b] = [referenceMachine(program), interpretedMachine(program)];
    const [left, right] = [a.run(MAX_CYCLES), b.run(MAX_CYCLES)];
    return sameMoment(describe(left, a), describe(right, b));
  },
});

law("engines-stop-at-every-cycle", {
  says: "Stopped after any number of cycles, the interpreter is at the boundary where the reference is.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: {
    program: anyProgram(),
    stops: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 30 }),
  },
  runs: 200,
  holds: ({ program, stops }) => {
    const [a, b] = [referenceMachine(program), interpretedMachine(program)];
    let limit = 0;
    for (const stop of stops) {
      limit += stop;
      const [left, right] = [a.run(limit), b.run(limit)];
      sameMoment(describe(left, a), describe(right, b));
      if (left !== null) return true;
    }
    return true;
  },
});

law("trees-agree", {
  says: "Where every block that is executed a few times becomes a tree, the interpreter is the reference, whatever is made of faults.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: {
    program: fc.oneof({ weight: 4, arbitrary: anyLoop() }, anyProgram()),
    stops: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 4, maxLength: 12 }),
  },
  runs: 400,
  holds: ({ program, stops }) => {
    const [a, b] = [referenceMachine(program), interpretedMachine(program, HOT)];
    let limit = 0;
    for (const stop of stops) {
      limit += stop;
      while (a.state.cycles < limit) {
        const [left, right] = [a.run(limit), b.run(limit)];
        sameMoment(describe(left, a), describe(right, b));
        if (left === null) continue;
        for (const machine of [a, b]) passOver(machine, program);
      }
    }
    return true;
  },
});

// Helpers

/** Goes on behind the instruction that has faulted, with the registers of the start. */
function passOver({ state, memory }: Machine, { code, start }: Program): void {
  const at = Number(state.rip - MEMORY_START);
  const inside = at >= 0 && at < code.length;
  const decoded = inside ? decoder.decode(memory.read(at, 15), 64) : "#UD";
  const length = typeof decoded === "object" ? decoded.length : 1;
  state.rip = MEMORY_START + BigInt(inside ? at + length : 0);
  start.gpr.forEach((value, i) => state.setGpr(i, value));
  state.cycles += 1;
}

function describe(
  fault: ReturnType<ReturnType<typeof referenceMachine>["run"]>,
  machine: Parameters<typeof look>[0],
): string {
  const text =
    fault === null ? "none" : `${fault.vector} ${fault.errorCode} ${fault.address?.toString(16)}`;
  return `fault ${text}; ${look(machine)}`;
}

function sameMoment(left: string, right: string): boolean {
  if (left === right) return true;
  const [a, b] = [left.split(" "), right.split(" ")];
  const at = a.findIndex((word, i) => word !== b[i]);
  throw new Error(`word ${at} differs: ${a[at]?.slice(0, 40)} and ${b[at]?.slice(0, 40)}`);
}
