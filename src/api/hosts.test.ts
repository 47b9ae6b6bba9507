import { expect, test } from "vitest";
import { multiboot } from "../guests/kernels/multiboot.ts";
import { ENDED } from "../hw/boards/lifecycle.ts";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";
import { World } from "../sim/world.ts";
import { host } from "./hosts.ts";

const GUEST = { boot: "multiboot", memoryBytes: 1 << 24, reboot: false };

/** mov ecx, 200000h; inc byte [ecx]; add ecx, 1000h; cmp ecx, 300000h; jb to the inc. */
const TOUCH = [
  0xb9, 0, 0, 0x20, 0, 0xfe, 0x01, 0x81, 0xc1, 0, 0x10, 0, 0, 0x81, 0xf9, 0, 0, 0x30, 0, 0x72, 0xf0,
];
const TOUCHED = 256;
/** mov ecx, 5000000; loop to itself. */
const SPIN = [0xb9, 0x40, 0x4b, 0x4c, 0, 0xe2, 0xfe];
/** out F4h, al. */
const EXIT = [0xe6, 0xf4, 0xf4];
/** cli; hlt. */
const HALT = [0xfa, 0xf4];
const MILLISECOND = 1_000_000;

function newWorld(given: object, code: readonly number[], guests = 1): World {
  const machines = Array.from({ length: guests }, () => GUEST);
  const config = host.parse({ host: "amd", cpus: 1, guests: machines, ...given });
  return World.create(host, { config, images: { kernel: multiboot(code) } });
}

/** What is registered under a name. */
function stateOf(world: World, name: string): unknown {
  const { registry } = world.snapshot();
  expect(registry.names).toContain(name);
  return registry.saved[registry.names.indexOf(name)];
}

const swapOf = (world: World): readonly unknown[] =>
  stateOf(world, "host.swap") as readonly unknown[];

function endOf(world: World): number {
  const ends: number[] = [];
  world.trace.attach({
    event({ type, time }) {
      if (type.name === ENDED.name) ends.push(time);
    },
  });
  world.runUntil(1000 * MILLISECOND);
  expect(ends.length).toBe(1);
  return ends[0] ?? 0;
}

const write = (world: World, file: string, text: string): void =>
  world.input("host.cgroups", "write", { path: "/machine/guest", file, text });

test("a guest over memory.max has pages in swap, and lives", () => {
  const groups = [{ "memory.max": "256K" }];
  const world = newWorld({ swapBytes: 1 << 24, groups }, [...TOUCH, ...EXIT]);
  endOf(world);
  const swap = swapOf(world);
  expect(swap.filter((slot) => slot !== null).length).toBeGreaterThan(TOUCHED - 65);
  const memory = stateOf(world, "host.cgroups.memory") as { groups: { peak: number }[] };
  expect(memory.groups.at(-1)?.peak).toBe(64);
});

test("a limit may come while the guest runs", () => {
  const world = newWorld({ swapBytes: 1 << 24 }, [...TOUCH, ...HALT]);
  world.runUntil(MILLISECOND);
  expect(swapOf(world)).toEqual([]);
  write(world, "memory.max", "64K");
  expect(swapOf(world).length).toBeGreaterThan(TOUCHED);
});

test("a guest that may not have the memory that it is started with is refused in one line", () => {
  expect(() => newWorld({ groups: [{ "memory.max": "4K" }] }, HALT)).toThrow(
    new InputError("memory: ENOMEM for what the guest is started with"),
  );
});

test("two equal guests share frames when ksmd runs", () => {
  const shared = (ksm: object): number => {
    const world = newWorld({ ksm }, [...TOUCH, ...HALT], 2);
    world.runUntil(20 * MILLISECOND);
    return (stateOf(world, "host.ksmd") as { merged: readonly number[] }).merged.length;
  };
  const [pages, often] = [{ pages_to_scan: 10_000 }, { sleep_millisecs: 1 }];
  expect(shared({ ...pages, ...often, run: false })).toBe(0);
  expect(shared({ ...pages, ...often })).toBeGreaterThan(0);
});

test("ksmd is set while guests run, and sleeps once", () => {
  const world = newWorld({ ksm: { run: false, sleep_millisecs: 5 } }, HALT);
  for (const run of [true, false, true, true]) world.input("host.ksmd", "set", { run });
  const scans: number[] = [];
  world.trace.attach({
    event({ time, fields }) {
      if (fields["target"] === "host.ksmd") scans.push(time);
    },
  });
  world.runUntil(16 * MILLISECOND);
  expect(scans).toEqual([5, 10, 15].map((at) => at * MILLISECOND));
  expect(() => world.input("host.ksmd", "set", { sleep_millisecs: 0 })).toThrow(
    new InputError("host.ksmd: sleep_millisecs is a whole number from 1 to 3600000, not 0"),
  );
});

test("cpu.max holds, until it is lifted", () => {
  const code = [...SPIN, ...EXIT];
  const free = endOf(newWorld({}, code));
  const groups = [{ "cpu.max": "1000 10000" }];
  const limited = endOf(newWorld({ groups }, code));
  const periods = Math.floor(free / MILLISECOND) - 1;
  expect(periods).toBeGreaterThan(2);
  expect(limited).toBeGreaterThan(periods * 10 * MILLISECOND);
  const lifted = newWorld({ groups }, code);
  lifted.runUntil(11 * MILLISECOND);
  write(lifted, "cpu.max", "max");
  expect(endOf(lifted)).toBeLessThan(12 * MILLISECOND + free);
});

test("the balloon is to take what the guest should not have", () => {
  const world = newWorld({}, HALT);
  const wanted = (): string | undefined =>
    /"wanted":\d+/.exec(JSON.stringify(stateOf(world, "balloon")))?.[0];
  expect(wanted()).toBe('"wanted":0');
  world.input("qemu", "balloon", { bytes: 15 << 20 });
  world.runUntil(MILLISECOND);
  expect(wanted()).toBe('"wanted":256');
  world.input("qemu", "balloon", { bytes: 1 << 30 });
  world.runUntil(2 * MILLISECOND);
  expect(wanted()).toBe('"wanted":0');
  expect(() => world.input("qemu", "balloon", { bytes: 0 })).toThrow(
    new InputError("qemu balloon: bytes is a whole number from 1 to 9007199254740991, not 0"),
  );
});

test("what the kernel refuses is told with its group and file", () => {
  expect(() => newWorld({ groups: [{ "cpu.weight": "0" }] }, HALT)).toThrow(
    new InputError('cgroups: /machine/guest/cpu.weight: "0": ERANGE'),
  );
  expect(() => newWorld({ groups: [{}, { "io.max": "8:0 rbps=1" }] }, HALT, 2)).toThrow(
    new InputError('cgroups: /machine/m1/io.max: "8:0 rbps=1": ENODEV'),
  );
  const world = newWorld({}, HALT);
  expect(() => write(world, "memory.high", "much")).toThrow(
    new InputError('cgroups: /machine/guest/memory.high: "much": EINVAL'),
  );
});

test.each([
  [[], "host: expected an object"],
  [{ groups: [{}, {}] }, "host: groups is a list of what is written to the guests' control groups"],
  [{ groups: [1] }, "host: groups of guest 0: expected interface files by name"],
  [{ groups: [{ "cpu.max": 5 }] }, "host: groups of guest 0: cpu.max is text, not 5"],
  [{ swapBytes: -1 }, "host: swapBytes is a whole number from 0 to 4294967296, not -1"],
  [{ ksm: true }, "host: ksm: expected an object"],
  [{ ksm: { run: 1 } }, "host: ksm: run is true or false, not 1"],
  [
    { ksm: { pages_to_scan: 0 } },
    "host: ksm: pages_to_scan is a whole number from 1 to 1048576, not 0",
  ],
  [{ haltPollNs: "x" }, 'host: haltPollNs is a whole number from 0 to 1000000000, not "x"'],
  [{ cpus: 4, nodes: 3 }, "host: nodes divides the 4 CPUs alike, not 3"],
  [{ nodes: 2 }, "host: nodes is a whole number from 1 to 1, not 2"],
])("a host says what is wrong with %j", (given, message) => {
  const config = Array.isArray(given) ? [] : { host: "amd", cpus: 1, guests: [GUEST], ...given };
  expect(() => host.parse(config as Json)).toThrow(new InputError(message));
});
