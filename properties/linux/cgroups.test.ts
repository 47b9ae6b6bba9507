/** Groups and their files. Linux, Documentation/admin-guide/cgroup-v2.rst. */

import { describe, expect, it } from "vitest";
import { inWorld, newHost } from "../support/kvm-guest.ts";
import { Cgroups, ROOT } from "../../src/linux/cgroups/cgroup.ts";
import { CpuController } from "../../src/linux/cgroups/cpu-controller.ts";
import { IoController, type IoUser } from "../../src/linux/cgroups/io-controller.ts";
import { MemoryController } from "../../src/linux/cgroups/memory-controller.ts";
import { InputError } from "../../src/sim/assert.ts";
import type { Json } from "../../src/sim/data.ts";

const newCgroups = (): Cgroups =>
  inWorld(
    (world) =>
      new Cgroups(world, "", {
        cpu: new CpuController(world, "", 8),
        memory: new MemoryController(world, ""),
        io: new IoController(world, ""),
      }),
  );

const must = (group: number | string): number => {
  if (typeof group === "string") throw new Error(group);
  return group;
};

describe("the tree", () => {
  it("is found by paths", () => {
    const cgroups = newCgroups();
    const machine = must(cgroups.create(ROOT, "machine"));
    const vm = must(cgroups.create(machine, "vm 1"));
    expect(cgroups.path(vm)).toBe("/machine/vm 1");
    expect(cgroups.find("/machine/vm 1")).toBe(vm);
    expect(cgroups.find("/")).toBe(ROOT);
    expect(cgroups.find("/machine/vm")).toBe("ENOENT");
    expect(cgroups.childrenOf(ROOT)).toEqual([machine]);
    expect(cgroups.parentOf(vm)).toBe(machine);
    expect(cgroups.create(ROOT, "machine")).toBe("EEXIST");
    expect(cgroups.create(ROOT, "cpu.max")).toBe("EEXIST");
    expect(cgroups.create(ROOT, "a/b")).toBe("EINVAL");
    expect(cgroups.create(77, "a")).toBe("ENOENT");
  });

  it("keeps groups that are used", () => {
    const cgroups = newCgroups();
    const above = must(cgroups.create(ROOT, "above"));
    const below = must(cgroups.create(above, "below"));
    cgroups.addTask(3);
    cgroups.addThread(5, 3);
    expect(cgroups.remove(above)).toBe("EBUSY");
    expect(cgroups.write(below, "cgroup.threads", "5\n")).toBeNull();
    expect(cgroups.remove(below)).toBe("EBUSY");
    expect(cgroups.write(above, "cgroup.procs", "3")).toBeNull();
    expect(cgroups.read(above, "cgroup.procs")).toEqual({ text: "3\n" });
    expect(cgroups.read(above, "cgroup.threads")).toEqual({ text: "5\n" });
    expect(cgroups.remove(below)).toBeNull();
    expect(cgroups.remove(below)).toBe("ENOENT");
    expect(cgroups.remove(above)).toBe("EBUSY");
    cgroups.removeTask(3);
    expect(cgroups.remove(above)).toBeNull();
    expect(cgroups.write(ROOT, "cgroup.procs", "3")).toBe("ESRCH");
    expect(cgroups.remove(ROOT)).toBe("EBUSY");
  });
});

it("a task that is over is in no group", () => {
  const host = newHost("amd");
  const group = must(host.cgroups.create(ROOT, "vm"));
  const task = host.newTask();
  expect(host.cgroups.attach(task.id, group)).toBeNull();
  expect(host.cgroups.remove(group)).toBe("EBUSY");
  task.exit();
  expect(host.cgroups.remove(group)).toBeNull();
});

describe("interface files", () => {
  it.each([
    ["cpu.weight", "100\n", "10000", "10000\n"],
    ["cpu.weight", "100\n", "0", "ERANGE"],
    ["cpu.weight", "100\n", "many", "EINVAL"],
    ["cpu.idle", "0\n", "1", "1\n"],
    ["cpu.idle", "0\n", "2", "EINVAL"],
    ["cpu.max", "max 100000\n", "50000", "50000 100000\n"],
    ["cpu.max", "max 100000\n", "20000 10000", "20000 10000\n"],
    ["cpu.max", "max 100000\n", "max 10000", "max 10000\n"],
    ["cpu.max", "max 100000\n", "999", "EINVAL"],
    ["cpu.max", "max 100000\n", "2000 1000001", "EINVAL"],
    ["cpu.max.burst", "0\n", "1000", "1000\n"],
    ["cpu.max.burst", "0\n", "-1", "EINVAL"],
    ["cpuset.cpus", "\n", "0-2,5, 7", "0-2,5,7\n"],
    ["cpuset.cpus", "\n", "8", "ERANGE"],
    ["cpuset.cpus", "\n", "2-1", "EINVAL"],
    ["cpuset.cpus.effective", "0-7\n", "1", "EACCES"],
    ["cpu.stat", /^usage_usec 0\n/, "1", "EACCES"],
    ["cpu.more", "ENOENT", "1", "ENOENT"],
  ])("%s is %j; %j makes it %j", (file, before, text, after) => {
    const cgroups = newCgroups();
    const group = must(cgroups.create(ROOT, "group"));
    const read = (): string => {
      const answer = cgroups.read(group, file);
      return typeof answer === "string" ? answer : answer.text;
    };
    if (typeof before === "string") expect(read()).toBe(before);
    else expect(read()).toMatch(before);
    expect(cgroups.write(group, file, text) ?? read()).toBe(after);
  });

  it("are of what depends on each other", () => {
    const cgroups = newCgroups();
    const above = must(cgroups.create(ROOT, "above"));
    const below = must(cgroups.create(above, "below"));
    expect(cgroups.read(ROOT, "cpu.weight")).toBe("ENOENT");
    cgroups.write(below, "cpu.weight", "7");
    cgroups.write(below, "cpu.idle", "1");
    expect(cgroups.read(below, "cpu.weight")).toEqual({ text: "0\n" });
    expect(cgroups.write(below, "cpu.weight", "7")).toBe("EINVAL");
    cgroups.write(below, "cpu.idle", "0");
    expect(cgroups.read(below, "cpu.weight")).toEqual({ text: "100\n" });
    cgroups.write(below, "cpu.max", "2000");
    expect(cgroups.write(below, "cpu.max.burst", "2001")).toBe("EINVAL");
    cgroups.write(above, "cpuset.cpus", "2-4");
    cgroups.write(below, "cpuset.cpus", "4-5");
    expect(cgroups.read(below, "cpuset.cpus.effective")).toEqual({ text: "4\n" });
    cgroups.write(above, "cpuset.cpus", "2");
    expect(cgroups.read(below, "cpuset.cpus.effective")).toEqual({ text: "2\n" });
  });
});

describe("the files of IO", () => {
  const DISK = "8:0";

  const bench = (user: IoUser | null) =>
    inWorld((world) => {
      const io = new IoController(world, "");
      io.user = user;
      const cgroups = new Cgroups(world, "", {
        cpu: new CpuController(world, "", 1),
        memory: new MemoryController(world, ""),
        io,
      });
      return { world, cgroups, group: must(cgroups.create(ROOT, "vm")) };
    });

  const told: string[] = [];
  const user: IoUser = {
    device: DISK,
    maxChanged: (group, { rbps, wiops }) => told.push(`${group} ${rbps} ${wiops}`),
    weightChanged: (group, weight) => told.push(`${group} ${weight}`),
  };

  it("limit what is named, and lift what is max", () => {
    const { cgroups, group } = bench(user);
    const text = (): unknown => cgroups.read(group, "io.max");
    expect(text()).toEqual({ text: "" });
    expect(cgroups.write(group, "io.max", "8:0 rbps=2097152 wiops=120")).toBe(null);
    expect(text()).toEqual({ text: "8:0 rbps=2097152 wbps=max riops=max wiops=120\n" });
    expect(told.at(-1)).toBe(`${group} 2097152 120`);
    expect(cgroups.write(group, "io.max", "8:0 wiops=max")).toBe(null);
    expect(text()).toEqual({ text: "8:0 rbps=2097152 wbps=max riops=max wiops=max\n" });
    expect(cgroups.write(group, "io.max", "8:0 riops=99999999999")).toBe(null);
    expect(text()).toEqual({ text: "8:0 rbps=2097152 wbps=max riops=4294967295 wiops=max\n" });
    expect(cgroups.write(group, "io.max", "8:0 rbps=max riops=max")).toBe(null);
    expect(text()).toEqual({ text: "" });
  });

  it.each([
    ["io.max", "8:16 rbps=1", "ENODEV"],
    ["io.max", "rbps=1", "EINVAL"],
    ["io.max", "8:0 bps=1", "EINVAL"],
    ["io.max", "8:0 rbps", "EINVAL"],
    ["io.max", "8:0 rbps=-1", "EINVAL"],
    ["io.max", "8:0 rbps=0", "ERANGE"],
    ["io.weight", "", "EINVAL"],
    ["io.weight", "default", "EINVAL"],
    ["io.weight", "0", "EINVAL"],
    ["io.weight", "default 10001", "EINVAL"],
    ["io.weight", "8:0 5 5", "EINVAL"],
    ["io.weight", "8:16 5", "ENODEV"],
  ])("refuse %s: %s", (file, text, errno) => {
    const { cgroups, group } = bench(user);
    expect(cgroups.write(group, file, text)).toBe(errno);
    expect(cgroups.write(ROOT, file, "8:0 5")).toBe("ENOENT");
  });

  it("share by a disk's own weight before the one for all", () => {
    const { cgroups, group } = bench(user);
    const write = (text: string): unknown => {
      expect(cgroups.write(group, "io.weight", text)).toBe(null);
      return [cgroups.read(group, "io.weight"), told.at(-1)];
    };
    expect(cgroups.read(group, "io.weight")).toEqual({ text: "default 100\n" });
    expect(write("300")).toEqual([{ text: "default 300\n" }, `${group} 300`]);
    expect(write("8:0 7")).toEqual([{ text: "default 300\n8:0 7\n" }, `${group} 7`]);
    expect(write("default 50")).toEqual([{ text: "default 50\n8:0 7\n" }, `${group} 7`]);
    expect(write("8:0 default")).toEqual([{ text: "default 50\n" }, `${group} 50`]);
  });

  it("find no disk where there is none", () => {
    const { cgroups, group } = bench(null);
    expect(cgroups.write(group, "io.max", "8:0 rbps=1")).toBe("ENODEV");
    expect(cgroups.write(group, "io.weight", "8:0 1")).toBe("ENODEV");
    expect(cgroups.write(group, "io.weight", "9")).toBe(null);
  });

  it("are written by an input of the world, which says what is wrong in one line", () => {
    const { world, cgroups, group } = bench(null);
    const input = (payload: Json): void => world.input("cgroups", "write", payload);
    input({ path: "/vm", file: "cpu.weight", text: "7" });
    expect(cgroups.read(group, "cpu.weight")).toEqual({ text: "7\n" });
    for (const [payload, message] of [
      [7, "cgroups: expected an object"],
      [{ path: "/vm", file: "cpu.weight" }, "cgroups: text is text, not undefined"],
      [
        { path: "/vm", file: "cpu.weight", text: "7", and: 1 },
        "cgroups: nothing is called and; there is path, file, text",
      ],
      [
        { path: "/vm", file: "cpu.weight", text: "many" },
        'cgroups: /vm/cpu.weight: "many": EINVAL',
      ],
      [{ path: "/no", file: "cpu.weight", text: "7" }, 'cgroups: /no/cpu.weight: "7": ENOENT'],
      [{ path: "/vm", file: "io.what", text: "7" }, 'cgroups: /vm/io.what: "7": ENOENT'],
      [{ path: "/vm", file: "cpu.stat", text: "7" }, 'cgroups: /vm/cpu.stat: "7": EACCES'],
    ] as const)
      expect(() => input(payload)).toThrow(new InputError(message));
  });
});
