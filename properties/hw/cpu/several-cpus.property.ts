/** Laws of several CPUs over one physical memory, which write each other's data and code. */

import fc from "fast-check";
import type { Engine } from "../../../src/hw/cpu/engine/engine.ts";
import { ORDINARY_HEAT } from "../../../src/hw/cpu/engine/layout.ts";
import type { Fault } from "../../../src/hw/cpu/fault.ts";
import { law } from "../../support/law.ts";
import {
  anyPagedProgram,
  interpreterOn,
  PagedMachine,
  type PagedProgram,
  referenceOn,
} from "../../support/paged-machines.ts";
import { HOT, MEMORY_START } from "../../support/programs.ts";

law("cpus-over-one-memory-agree", {
  says: "Two CPUs that run in turns over one memory, code and tables included, do the same in every engine, to the cycle.",
  cites:
    "SDM Vol. 3, Handling Self- and Cross-Modifying Code; DESIGN, The CPU engine: one text, several engines",
  forAll: {
    program: anyPagedProgram(),
    /** The second CPU runs the same code with registers of its own. */
    second: anyPagedProgram(),
    turns: fc.array(fc.record({ cpu: fc.nat(1), cycles: fc.integer({ min: 1, max: 60 }) }), {
      minLength: 4,
      maxLength: 16,
    }),
    heat: fc.constantFrom(HOT, ORDINARY_HEAT),
  },
  runs: 250,
  holds: ({ program, second, turns, heat }) => {
    const a = pair(program, second, referenceOn);
    const b = pair(program, second, (machine) => interpreterOn(machine, heat));
    for (const [i, { cpu, cycles }] of turns.entries()) {
      const [left, right] = [a, b].map((machines) => turn(machines, cpu, cycles));
      if (left !== right) throw new Error(`turn ${i}: ${left}, but ${right}`);
      if (look(a) !== look(b)) throw new Error(`turn ${i}: states or memories differ`);
    }
    return true;
  },
});

// Helpers

interface Running {
  readonly machine: PagedMachine;
  readonly engine: Engine;
}

function pair(
  program: PagedProgram,
  second: PagedProgram,
  engineOn: (machine: PagedMachine) => Engine,
): readonly Running[] {
  const first = new PagedMachine(program);
  const { start, tlbEntries } = second;
  const other = new PagedMachine({ ...program, start, tlbEntries }, { beside: first });
  return [first, other].map((machine) => ({ machine, engine: engineOn(machine) }));
}

/** Runs one CPU on, past faults, which send it back to the start. */
function turn(machines: readonly Running[], cpu: number, cycles: number): string {
  const { machine, engine } = machines[cpu] as Running;
  const { state } = machine;
  const limit = state.cycles + cycles;
  const seen: string[] = [];
  while (state.cycles < limit) {
    const fault: Fault | null = engine.run(limit);
    if (fault === null) continue;
    seen.push(`${fault.vector}/${fault.errorCode}/${fault.address?.toString(16)}`);
    state.rip = MEMORY_START;
    state.cycles += 1;
  }
  return `${state.cycles} ${state.rip.toString(16)} ${seen.join(" ")}`;
}

const look = (machines: readonly Running[]): string =>
  machines.map(({ machine }) => machine.look()).join(" ");
