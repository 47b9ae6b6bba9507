/** Laws of the engines behind paging: translations, code that changes, and snapshots in the middle of it. */

import fc from "fast-check";
import type { Fault } from "../../../src/hw/cpu/fault.ts";
import { law } from "../../support/law.ts";
import { HOT, MEMORY_START } from "../../support/programs.ts";
import {
  anyPagedProgram,
  pagedInterpreter,
  pagedReference,
  type RunningMachine,
} from "../../support/paged-machines.ts";

const MAX_CYCLES = 80;

law("engines-agree-behind-paging", {
  says: "With any mapping of few pages, tables and code among them, engines agree on state, fault, cycle and TLB.",
  cites:
    "DESIGN, The CPU engine: one text, several engines; SDM Vol. 3, Paging; Self-Modifying Code",
  forAll: {
    program: anyPagedProgram(),
    stops: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }),
  },
  runs: 200,
  holds: ({ program, stops }) => {
    const [a, b] = [pagedReference(program), pagedInterpreter(program)];
    let limit = 0;
    for (const stop of [...stops, MAX_CYCLES]) {
      limit += stop;
      const [left, right] = [a.run(limit), b.run(limit)];
      same(left, a, right, b);
      if (left !== null) return true;
    }
    return true;
  },
});

law("trees-agree-behind-paging", {
  says: "The same where every block that is executed a few times becomes a tree, and a fault sends the program back to its start.",
  cites:
    "DESIGN, The CPU engine: one text, several engines; SDM Vol. 3, Paging; Self-Modifying Code",
  forAll: {
    program: anyPagedProgram(),
    stops: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 2, maxLength: 6 }),
  },
  runs: 200,
  holds: ({ program, stops }) => {
    const [a, b] = [pagedReference(program), pagedInterpreter(program, HOT)];
    let limit = 0;
    for (const stop of stops) {
      limit += stop;
      while (a.machine.state.cycles < limit) {
        const [left, right] = [a.run(limit), b.run(limit)];
        same(left, a, right, b);
        if (left === null) continue;
        for (const { machine } of [a, b]) {
          machine.state.rip = MEMORY_START + BigInt(program.entry);
          machine.state.cycles += 1;
        }
      }
    }
    return true;
  },
});

law("engines-agree-after-invalidation", {
  says: "Engines agree when the tables change under them and pages are, or are not, invalidated.",
  cites: "SDM Vol. 3, Operations that Invalidate TLBs and Paging-Structure Caches",
  forAll: {
    program: anyPagedProgram(),
    changes: fc.array(
      fc.record({
        at: fc.integer({ min: 1, max: 12 }),
        page: fc.nat(5),
        entry: fc.bigInt({ min: 0n, max: 15n }).map((frame) => (frame << 12n) | 7n),
        invalidate: fc.constantFrom("none", "page", "current", "all"),
      }),
      { maxLength: 5 },
    ),
  },
  runs: 150,
  holds: ({ program, changes }) => {
    const machines = [pagedReference(program), pagedInterpreter(program)] as const;
    const [a, b] = machines;
    let limit = 0;
    for (const { at, page, entry, invalidate } of changes) {
      limit += at;
      const [left, right] = [a.run(limit), b.run(limit)];
      same(left, a, right, b);
      if (left !== null) return true;
      for (const { machine } of machines) {
        machine.memory.write64(3 * 4096 + 8 * (0x100 + page), entry);
        if (invalidate === "page")
          machine.translated.invalidatePage(0x10_0000n + BigInt(page * 4096));
        else if (invalidate === "current") machine.translated.invalidatePcid(0);
        else if (invalidate === "all") machine.translated.invalidateAll(false);
      }
    }
    same(a.run(MAX_CYCLES), a, b.run(MAX_CYCLES), b);
    return true;
  },
});

law("a-machine-in-snapshots-is-the-machine", {
  says: "Images taken, digests made and images restored between runs change nothing in what a machine does.",
  cites: "DESIGN, State is data; Memory",
  forAll: {
    program: anyPagedProgram(),
    first: fc.integer({ min: 0, max: 30 }),
    second: fc.integer({ min: 1, max: 30 }),
  },
  runs: 150,
  holds: ({ program, first, second }) => {
    const [a, b] = [pagedReference(program), pagedInterpreter(program)];
    const faulted = a.run(first) !== null;
    b.run(first);
    if (faulted) return true;
    const image = b.machine.memory.capture();
    const registers = b.machine.state.bytes().slice();
    const tlbs = b.machine.translated.tlbWords().map((words) => words.slice());
    b.run(first + second);
    const later = b.machine.memory.capture();
    const after = b.machine.look();
    b.machine.memory.restore(later);
    if (b.machine.look() !== after) return false;
    b.machine.memory.restore(image);
    b.machine.state.bytes().set(registers);
    b.machine.translated.tlbWords().forEach((words, i) => words.set(tlbs[i] as Uint32Array));
    b.machine.translated.contextChanged();
    same(a.run(first + second), a, b.run(first + second), b);
    return true;
  },
});

// Helpers

function same(left: Fault | null, a: RunningMachine, right: Fault | null, b: RunningMachine): void {
  const text = (fault: Fault | null): string =>
    fault === null ? "none" : `${fault.vector}/${fault.errorCode}/${fault.address?.toString(16)}`;
  if (text(left) !== text(right)) throw new Error(`faults ${text(left)} and ${text(right)}`);
  const [one, other] = [a.machine.look().split(" "), b.machine.look().split(" ")];
  const at = one.findIndex((word, i) => word !== other[i]);
  if (at >= 0 || one.length !== other.length) {
    throw new Error(`part ${at} differs ${firstDifferent(one[at], other[at])}`);
  }
}

/** Where two texts part, with what follows there as hexadecimal digits. */
function firstDifferent(a = "", b = ""): string {
  const at = a.split("").findIndex((character, i) => character !== b[i]);
  const hex = (text: string): string =>
    Buffer.from(text.slice(at, at + 24), "latin1").toString("hex");
  return `at ${at}: ${hex(a)} and ${hex(b)}`;
}
