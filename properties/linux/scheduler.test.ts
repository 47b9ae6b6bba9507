/** Who runs next. Linux, kernel/sched/core.c, yield_to. */

import { expect, it } from "vitest";
import type { Turn } from "../../src/linux/scheduler.ts";
import { newHost } from "../support/kvm-guest.ts";

it("lets a thread give its time to another that waits for a CPU", () => {
  const host = newHost("amd");
  const { scheduler, world } = host;
  const task = host.newTask();
  const order: string[] = [];
  const spawn = (name: string, act: (turn: Turn) => void): number =>
    scheduler.spawn(task, name, (turn) => {
      if (order.at(-1) !== name) order.push(name);
      turn.cpu.state.cycles += 1000;
      act(turn);
      turn.cpu.state.cycles = Math.max(turn.cpu.state.cycles, turn.limit);
      return "runs";
    });
  const first = spawn("first", ({ cpu, thread }) => {
    // Who runs is in no queue.
    scheduler.yieldTo(cpu, thread);
    if (order.length === 1) scheduler.yieldTo(cpu, 2);
  });
  const others = ["second", "third"].map((name) => spawn(name, () => undefined));
  for (const thread of [first, ...others]) scheduler.wake(thread);
  world.runUntil(2_000_000);
  // What is new asks for half a slice of 3 ms; the first has the least number of those with the same deadline.
  expect(order).toEqual(["first", "third", "first"]);
  expect(scheduler.runDelay(others[1] ?? -1)).toBe(1000);
  expect(scheduler.runDelay(first)).toBe(1_500_000);
});
