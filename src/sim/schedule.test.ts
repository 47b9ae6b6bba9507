import { describe, expect, test } from "vitest";
import { RandomStreams } from "./random.ts";
import { drawSchedulePlan, Schedule, type SchedulePlan } from "./schedule.ts";
import { NEVER } from "./time.ts";

/** The order in which three runners get slices of ten cycles. */
function orderOf(plan: SchedulePlan | null, slices: number): string {
  const schedule = new Schedule(plan, 10);
  for (const name of ["a", "b", "c"]) {
    schedule.add({
      name,
      run(slice) {
        slice.clock = slice.limit;
      },
    });
  }
  let order = "";
  for (let i = 0; i < slices; i += 1) {
    order += schedule.startSlice(NEVER).runner;
    schedule.continueSlice();
  }
  return order;
}

describe("the schedule", () => {
  test("undisturbed, takes the one furthest behind, among equals the first", () => {
    expect(orderOf(null, 7)).toBe("abcabca");
  });

  test("with a plan, takes the highest priority within the window, among equals the furthest behind", () => {
    const plan = { changePoints: [], windowCycles: 25 };
    expect(orderOf({ ...plan, priorities: [1, 3, 2] }, 7)).toBe("bbbccca");
    expect(orderOf({ ...plan, priorities: [2, 2, 2] }, 4)).toBe("abca");
    expect(orderOf({ ...plan, priorities: [] }, 4)).toBe("abca");
  });

  test("at a change point, the one chosen drops below all others, the last dropped lowest", () => {
    const plan = { priorities: [1, 3, 2], windowCycles: 1000 };
    expect(orderOf({ ...plan, changePoints: [1] }, 5)).toBe("bbccc");
    expect(orderOf({ ...plan, changePoints: [1, 3] }, 6)).toBe("bbccaa");
    expect(orderOf({ ...plan, changePoints: [0, 1, 2] }, 6)).toBe("bcabbb");
  });

  test("draws every order of priorities, and one change point less than the depth, in order", () => {
    const stream = new RandomStreams("1").stream("plans");
    const plans = Array.from({ length: 200 }, () => drawSchedulePlan(stream, 3, 4, 100, 7));
    expect(new Set(plans.map(({ priorities }) => priorities.join())).size).toBe(6);
    for (const { changePoints, windowCycles } of plans) {
      expect(changePoints).toHaveLength(3);
      expect(changePoints).toEqual(changePoints.toSorted((a, b) => a - b));
      expect(windowCycles).toBe(7);
    }
    expect(drawSchedulePlan(stream, 1, 1, 100, 7).changePoints).toEqual([]);
  });

  test("has slices of at least one whole cycle", () => {
    expect(() => new Schedule(null, 0)).toThrow("a slice has whole cycles");
    expect(() => new Schedule(null, 0.5)).toThrow("a slice has whole cycles");
  });
});
