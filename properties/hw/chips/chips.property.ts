/** Laws of every chip that src/hw/chips/index.ts lists. */

import fc from "fast-check";
import { firstDifference } from "../../../src/sim/data.ts";
import { anyChipStory, anyDelay, Bench } from "../../support/chips.ts";
import { law } from "../../support/law.ts";

law("a-restored-chip-goes-on-as-the-original", {
  says: "A chip whose state was copied in the middle goes on in the copy as in the original, whatever the original did since.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: { story: anyChipStory(), middle: fc.nat(40) },
  runs: 500,
  holds: ({ story: { chip, happenings }, middle }) => {
    const original = new Bench(chip).run(happenings.slice(0, middle));
    const copy = new Bench(chip, structuredClone(original.cell.value));
    original.seen.length = 0;
    const rest = happenings.slice(middle);
    sameSight(original.run(rest), copy.run(rest));
  },
});

law("no-wire-changes-before-the-deadline", {
  says: "A deadline lies in the future, and until then no wire of the chip changes by itself.",
  cites: "docs/adr/0002-decisions-and-time.md",
  forAll: { story: anyChipStory(), delays: fc.array(anyDelay(), { minLength: 1, maxLength: 8 }) },
  runs: 500,
  holds: ({ story: { chip, happenings }, delays }) => {
    const { at, chip: state } = new Bench(chip).run(happenings).cell.value;
    const deadline = chip.deadline(state, at);
    if (deadline !== null && (deadline <= at || !Number.isSafeInteger(deadline)))
      throw new Error(`at ${at} the deadline is ${deadline}`);
    const before = chip.wires(state, at);
    for (const delay of [...delays, (deadline ?? at + 1) - at - 1]) {
      const time = Math.min(at + delay, (deadline ?? Number.MAX_SAFE_INTEGER) - 1);
      const later = structuredClone(state);
      chip.advance(later, time);
      const difference = firstDifference(before, chip.wires(later, time));
      if (difference !== null)
        throw new Error(`${difference.path} changed from ${at} to ${time}, before ${deadline}`);
    }
  },
});

law("how-time-passes-is-not-seen", {
  says: "Whether a chip's time passes in one step or in many, everything that is seen of it is the same at the same times.",
  cites: "docs/adr/0002-decisions-and-time.md",
  forAll: { story: anyChipStory(), steps: fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 }) },
  runs: 500,
  holds: ({ story: { chip, happenings }, steps }) => {
    const inMany = new Bench(chip);
    for (const happening of happenings) {
      let { after } = happening;
      for (const step of steps) {
        const part = Math.floor((after * step) / 1000);
        inMany.pass(part);
        after -= part;
      }
      inMany.run([{ ...happening, after }]);
    }
    sameSight(new Bench(chip).run(happenings), inMany);
  },
});

law("one-leap-of-time-is-as-good-as-its-deadlines", {
  says: "A chip that is told the time after many deadlines shows the same wires and registers as one that was told each.",
  cites: "docs/adr/0002-decisions-and-time.md",
  forAll: { story: anyChipStory(), delay: anyDelay() },
  runs: 500,
  holds: ({ story: { chip, happenings }, delay }) => {
    const stepped = new Bench(chip).run(happenings);
    const leapt = structuredClone(stepped.cell.value);
    leapt.at += delay;
    chip.advance(leapt.chip, leapt.at);
    stepped.pass(delay);
    leapt.wires = { ...chip.wires(leapt.chip, leapt.at) };
    stepped.seen.length = 0;
    const rest = look(stepped);
    sameSight(stepped.run(rest), new Bench(chip, leapt).run(rest));
    const difference = firstDifference(leapt.wires, stepped.cell.value.wires);
    if (difference !== null) throw new Error(`${difference.path} differs`);
  },
});

law("a-chip-survives-every-guest", {
  says: "No sequence of accesses, inputs and times throws, and what it leaves is plain data that JSON keeps, of bounded size.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: { story: anyChipStory(150) },
  runs: 60,
  holds: ({ story: { chip, happenings } }) => {
    const state = new Bench(chip).run(happenings).cell.value;
    const text = JSON.stringify(state);
    const difference = firstDifference(state, JSON.parse(text));
    if (difference !== null) throw new Error(`${difference.path} is ${String(difference.left)}`);
    if (text.length > 10_000) throw new Error(`the state has grown to ${text.length} characters`);
  },
});

law("a-read-is-of-the-size-asked-for", {
  says: "A read of one, two or four bytes gives a whole number of so many bytes.",
  cites: 'SDM Vol. 1, "Input/Output"',
  forAll: { story: anyChipStory(), offset: fc.nat(12), size: fc.constantFrom(1, 2, 4) },
  runs: 300,
  holds: ({ story: { chip, happenings }, offset, size }) => {
    const bench = new Bench(chip).run(happenings);
    const value = bench.socket.read(offset, size, bench.now);
    return Number.isInteger(value) && value >= 0 && value < 256 ** size;
  },
});

// Helpers

/** Reads everything that has an offset, twice. */
const look = ({ offsets }: Bench): Parameters<Bench["run"]>[0] =>
  [...offsets.keys(), ...offsets.keys()].map((at) => ({
    kind: "read",
    at,
    size: 1,
    value: 0,
    after: 0,
  }));

function sameSight(left: Bench, right: Bench): void {
  const difference = firstDifference(left.seen, right.seen);
  if (difference === null) return;
  throw new Error(`${String(difference.left)} here, ${String(difference.right)} there`);
}
