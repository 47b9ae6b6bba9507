import { expect, test } from "vitest";
import { HandleTable } from "./handle-table.ts";
import { RandomStreams } from "./random.ts";

test.each([
  { live: 10, gap: 1 },
  { live: 300, gap: 1 },
  // Handles at the end of the table when it grows.
  { live: 300, gap: 1, from: 60 },
  // Handles that all want the same places.
  { live: 300, gap: 64 },
  { live: 12, gap: 2 ** 33 },
])("behaves as a map with %j handles alive", ({ live, gap, from = 0 }) => {
  const stream = new RandomStreams("1").stream("handles");
  const table = new HandleTable();
  const model = new Map<number, number>();
  for (let next = 0; next < 3000; next += 1) {
    const handle = from + next * gap;
    table.set(handle, next % 1000);
    model.set(handle, next % 1000);
    while (model.size > live) {
      const gone = stream.pick([...model.keys()]);
      expect(table.get(gone)).toBe(model.get(gone));
      table.delete(gone);
      model.delete(gone);
      expect(table.get(gone)).toBe(-1);
    }
  }
  for (const [handle, slot] of model) expect(table.get(handle)).toBe(slot);
  table.delete(gap * 5000);
  expect([table.get(-1), table.get(gap * 4000)]).toEqual([-1, -1]);
  table.clear();
  for (const handle of model.keys()) expect(table.get(handle)).toBe(-1);
});
