/** Laws about `kvmsim check` itself: they hold, fall, and cannot be checked. */

import process from "node:process";
import fc from "fast-check";
import { law } from "./law.ts";

export const cites = "src/cli/check.test.ts";

law("small-numbers-are-small", {
  says: "A number below 100 is below 100.",
  cites,
  forAll: { number: fc.nat(99) },
  holds: ({ number }) => number < 100,
});

law("no-number-exceeds-ten", {
  says: "No number exceeds ten.",
  cites,
  forAll: { number: fc.nat(1000) },
  holds: ({ number }) => {
    if (number > 10) throw new Error(`${number} does`);
  },
});

/** May be changed, as programs are. */
export const planted = { limit: 10 };

law("no-number-exceeds-the-limit", {
  says: "No number exceeds a limit.",
  cites,
  forAll: { number: fc.nat(1000) },
  holds: ({ number }) => number <= planted.limit,
});

law("every-number-is-zero", {
  says: "Every number is zero.",
  cites,
  forAll: { number: fc.nat() },
  holds: ({ number }) => number === 0,
});

law("generators-can-fail", {
  says: "A generator that throws is shown as its law's failure.",
  cites,
  forAll: {
    number: fc.nat().map((): number => {
      throw new Error("no number today");
    }),
  },
  holds: () => true,
});

law("nothing-to-speak-of", {
  says: "Of no number at all, anything is true.",
  cites,
  forAll: { number: fc.nat() },
  given: () => false,
  holds: () => true,
});

law("whoever-checks-this-ends", {
  says: "A law in which the worker ends is shown as fallen.",
  cites,
  forAll: { number: fc.nat() },
  holds: () => process.exit(3),
});

law("memory-is-endless", {
  says: "A law that takes all memory is shown as fallen.",
  cites,
  forAll: { number: fc.nat() },
  holds: () => {
    const taken: unknown[] = [];
    for (;;) taken.push(Array.from({ length: 1 << 20 }).fill(0.5));
  },
});
