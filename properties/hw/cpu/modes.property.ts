/** Laws of the modes of operation: one text of semantics and transfers, whatever the mode, the level and the engine. */

import fc from "fast-check";
import { law } from "../../support/law.ts";
import { anySystemProgram, SystemMachine } from "../../support/system-machines.ts";

law("engines-agree-in-every-mode", {
  says: "In every mode and at every level, with any descriptors and gates, and with interrupts at any time, engines agree on state, memory, TLB and stop.",
  cites: "DESIGN, The CPU engine; SDM Vol. 3, Modes of Operation",
  forAll: {
    program: anySystemProgram(),
    steps: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
  },
  runs: 400,
  holds: ({ program, steps }) => {
    const [a, b] = [
      new SystemMachine(program, "reference"),
      new SystemMachine(program, "interpreter"),
    ];
    steps.forEach((cycles, i) => {
      const event = program.events[i] ?? null;
      const vector = 32 + ((7 * i) % 200);
      const [left, right] = [a, b].map((machine) =>
        machine.run(cycles, event?.kind ?? null, vector),
      );
      if (left !== right) throw new Error(`${left} and ${right}`);
      same(a.look(), b.look());
    });
    return true;
  },
});

// Helpers

function same(left: string, right: string): void {
  if (left === right) return;
  let at = 0;
  while (left[at] === right[at]) at += 1;
  const from = Math.max(0, at - 8);
  throw new Error(
    `differs at ${at}: ${left.slice(from, at + 16)} and ${right.slice(from, at + 16)}`,
  );
}
