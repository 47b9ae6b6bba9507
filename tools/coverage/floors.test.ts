/** The floors: what is below is named, what is above can be raised, nothing seen is a failure. */

import { expect, test } from "vitest";
import { complaints, isTypesOnly, perFolder, raised, type Tally, table } from "./floors.ts";

const tally = (covered: number, total: number): Tally => ({
  lines: { covered, total },
  branches: { covered, total },
  functions: { covered: total, total },
});
const found = perFolder(
  new Map([
    ["src/sim/time.ts", tally(10, 10)],
    ["src/sim/toy/tokens.ts", tally(75, 90)],
    ["src/api/index.ts", tally(0, 0)],
  ]),
);
const floor = (lines: number) => ({ lines, branches: 0, functions: 0 });

test("a folder's figure counts all its files", () => {
  expect(found).toEqual([
    { folder: "src/api", files: 1, percent: { lines: 100, branches: 100, functions: 100 } },
    { folder: "src/sim", files: 2, percent: { lines: 85, branches: 85, functions: 100 } },
  ]);
});

test("at the floor is enough, below it is not", () => {
  expect(complaints(found, { "src/sim": floor(85), "src/api": floor(100) })).toEqual([]);
  expect(complaints(found, { "src/sim": floor(86), "src/api": floor(100) })).toEqual([
    "src/sim: lines 85.0% < floor 86%",
  ]);
});

test("a new folder needs a floor, and a floor needs a folder", () => {
  expect(complaints(found, { "src/sim": floor(1), "src/hw": floor(1) })).toEqual([
    "src/api: has no floor yet; run with --raise",
    "src/hw: has a floor but no covered file",
  ]);
});

test("to have seen nothing is a failure", () => {
  expect(complaints([], {})).toEqual(["coverage looked at no file at all"]);
});

test("floors rise and never fall", () => {
  const floors = { "src/sim": { lines: 90, branches: 10, functions: 50 } };
  expect(raised(found, floors)).toEqual({
    "src/api": { lines: 100, branches: 100, functions: 100 },
    "src/sim": { lines: 90, branches: 85, functions: 100 },
  });
});

test("the table shows figure and floor", () => {
  const lines = table(found, { "src/sim": floor(80) });
  expect(lines[2]).toMatch(/^src\/sim +2 +85\.0 \(80\) +85\.0 \(0\) +100\.0 \(0\)$/);
  expect(lines[1]).toContain("100.0 (-)");
});

test("a module of types only is known by what it compiles to", () => {
  expect(isTypesOnly("/** A. */\nexport {};\n//# sourceMappingURL=a.js.map")).toBe(true);
  expect(isTypesOnly("/** A. */\nexport const a = 1;\n//# sourceMappingURL=a.js.map")).toBe(false);
});
