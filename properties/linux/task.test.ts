import { describe, expect, it } from "vitest";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import { hostMemory } from "../support/host-memory.ts";
import type { Task } from "../../src/linux/task.ts";

// Linux, open(2), close(2), getrlimit(2).
describe("descriptors of a task", () => {
  const newTask = (): Task => hostMemory(8).newTask();
  const file = { release: () => undefined };

  it("are the lowest that are free", () => {
    const task = newTask();
    expect([task.open(file), task.open(file), task.open(file)]).toEqual([0, 1, 2]);
    expect(task.close(1)).toBeNull();
    expect(task.open(file)).toBe(1);
    expect(task.open(file)).toBe(3);
  });

  it("are EBADF when nothing is open", () => {
    const task = newTask();
    task.open(file);
    task.close(0);
    expect(task.file(0)).toBe("EBADF");
    expect(task.close(0)).toBe("EBADF");
    expect(task.file(-1)).toBe("EBADF");
    expect(task.file(0.5)).toBe("EBADF");
  });

  it("are at most 1024", () => {
    const task = newTask();
    for (let i = 0; i < 1024; i += 1) expect(task.open(file)).toBe(i);
    expect(task.open(file)).toBe("EMFILE");
  });

  it("are released once, when the task ends, after its memory", () => {
    const memory = hostMemory(8);
    const { frames } = memory;
    const task = memory.newTask();
    const all = frames.free;
    const seen: number[] = [];
    task.open({ release: () => seen.push(frames.free) });
    task.open({ release: () => seen.push(-1) });
    task.close(1);
    task.memory.write(task.memory.map(PAGE_SIZE), Uint8Array.of(1));
    expect(frames.free).toBe(all - 1);
    task.exit();
    expect(seen).toEqual([-1, all]);
  });
});
