/** Laws of ranges that are found by a number in them. */

import fc from "fast-check";
import { Ranges } from "../../src/linux/ranges.ts";
import { law } from "../support/law.ts";

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Ranges side by side, some with gaps between, in any order. */
const anyRanges = (): fc.Arbitrary<readonly Range[]> =>
  fc
    .array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 })), { maxLength: 9 })
    .map((pairs) => {
      let end = 0;
      return pairs.map(([gap, size]) => {
        const start = end + gap;
        end = start + size;
        return { start, end };
      });
    })
    .chain((ranges) => fc.shuffledSubarray([...ranges]));

law("a-range-is-found-by-what-it-holds", {
  says: "Whatever was looked for before, and whichever ranges there were then, a number is found in the range that holds it, and in none where none does.",
  cites: "Linux, Documentation/core-api/maple_tree.rst; DESIGN, Virtualisation hardware and KVM",
  forAll: {
    generations: fc.array(fc.tuple(anyRanges(), fc.array(fc.nat(40), { maxLength: 12 })), {
      minLength: 1,
      maxLength: 4,
    }),
  },
  holds: ({ generations }) => {
    const ranges = new Ranges<Range>(
      ({ start }) => start,
      ({ end }) => end,
    );
    return generations.every(([all, wanted]) => {
      ranges.all = all;
      return wanted.every(
        (number) =>
          ranges.find(number) ===
          (all.find(({ start, end }) => number >= start && number < end) ?? null),
      );
    });
  },
});
