/** Laws of whole hosts: the VMM, its guests and the module under one scheduler. */

import fc from "fast-check";
import { CONSOLE, ENDED, host, machine, multiboot, World } from "../../src/api/index.ts";
import type { Json, TraceEvent } from "../../src/api/index.ts";
import type { GroupFiles } from "../../src/linux/cgroups/administration.ts";
import { law } from "../support/law.ts";
import { VENDORS } from "../support/kvm-guest.ts";

/** What a guest does, one thing after the other. */
type Action =
  | { readonly is: "print"; readonly byte: number }
  | { readonly is: "spin"; readonly count: number }
  | { readonly is: "read"; readonly port: number }
  | { readonly is: "cpuid" }
  | { readonly is: "touch"; readonly page: number };

const anyAction = (): fc.Arbitrary<Action> =>
  fc.oneof(
    fc.record({ is: fc.constant("print" as const), byte: fc.integer({ min: 33, max: 126 }) }),
    // Up to some turns of the scheduler.
    fc.record({
      is: fc.constant("spin" as const),
      count: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 2_000_000 })),
    }),
    // Of the interval timer, port 61h, the clock, the serial port and nobody.
    fc.record({
      is: fc.constant("read" as const),
      port: fc.constantFrom(0x40, 0x61, 0x71, 0x3fd, 0x1234),
    }),
    fc.record({ is: fc.constant("cpuid" as const) }),
    fc.record({ is: fc.constant("touch" as const), page: fc.nat(200) }),
  );

const word = (value: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

function codeOf(action: Action): readonly number[] {
  switch (action.is) {
    case "print":
      // mov dx, 3F8h; mov al, byte; out dx, al
      return [0x66, 0xba, 0xf8, 0x03, 0xb0, action.byte, 0xee];
    case "spin":
      // mov ecx, count; loop to itself
      return [0xb9, ...word(action.count), 0xe2, 0xfe];
    case "read":
      // mov dx, port; in al, dx
      return [0x66, 0xba, action.port & 0xff, action.port >> 8, 0xec];
    case "cpuid":
      return [0x31, 0xc0, 0x0f, 0xa2];
    case "touch":
      // inc dword [200000h + page]
      return [0xff, 0x05, ...word(0x20_0000 + 4096 * action.page)];
  }
}

/** Ends by the exit device. */
const programOf = (actions: readonly Action[], code: number): Uint8Array =>
  multiboot([...actions.flatMap(codeOf), 0xb0, code, 0xe6, 0xf4, 0xf4]);

const SMALL = { boot: "multiboot", memoryBytes: 16 << 20, reboot: false };
const END = 400_000_000;
/** Digests of a whole host take longer than its guests, so only a law about them asks for them. */
const EPOCH = 1_000_000;

/** Consoles and ends, in the order of each machine. */
class Witness {
  readonly consoles: Record<string, string> = {};
  readonly ends: string[] = [];

  constructor(world: World) {
    world.trace.attach({ event: (event) => this.#see(event) });
  }

  #see({ type, source, fields }: TraceEvent): void {
    if (type.name === CONSOLE.name)
      this.consoles[source] =
        (this.consoles[source] ?? "") + String.fromCharCode(fields["byte"] as number);
    if (type.name === ENDED.name)
      this.ends.push(`${source} ${String(fields["kind"])} ${String(fields["code"])}`);
  }
}

/** What a host is told beside its guests. */
interface Settings {
  readonly isDivided: boolean;
  readonly haltPollNs: number;
  readonly ksm: Json;
  readonly files: GroupFiles;
}

const SWAP_BYTES = 64 << 20;

const settings: fc.Arbitrary<Settings> = fc.record({
  isDivided: fc.boolean(),
  haltPollNs: fc.constantFrom(0, 50_000),
  ksm: fc.constantFrom<Json>(
    null,
    { run: false },
    { pages_to_scan: 4096, sleep_millisecs: 4 },
    { pages_to_scan: 7, sleep_millisecs: 2 },
  ),
  files: fc.constantFrom<GroupFiles>(
    {},
    { "cpu.weight": "300", "cpu.max": "3000 10000" },
    { "memory.max": "128K" },
    { "memory.max": "600K", "cpu.idle": "1" },
    { "memory.high": "300K" },
  ),
});

/** What an administrator does to the first guest, or to its host, while it runs. */
interface Change {
  readonly target: string;
  readonly kind: string;
  readonly payload: Json;
}

const writes = (file: string, text: string): Change => ({
  target: "host.cgroups",
  kind: "write",
  payload: { path: "/machine", file, text },
});

const anyChanges = (): fc.Arbitrary<readonly Change[]> =>
  fc.array(
    fc.constantFrom<Change>(
      writes("memory.max", "300K"),
      writes("memory.max", "max"),
      writes("memory.high", "200K"),
      writes("cpu.max", "2000 5000"),
      writes("cpu.max", "max"),
      writes("cpu.weight", "9"),
      writes("cpuset.cpus", "0"),
      { target: "qemu", kind: "balloon", payload: { bytes: 8 << 20 } },
      { target: "host.ksmd", kind: "set", payload: { run: true, sleep_millisecs: 3 } },
      { target: "host.ksmd", kind: "set", payload: { run: false } },
    ),
    { maxLength: 4 },
  );

function change(world: World, { guests, changes }: Scene): void {
  for (const { target, kind, payload } of changes)
    world.input(target === "qemu" && guests > 1 ? "m0.qemu" : target, kind, payload);
}

interface Scene {
  readonly changes: readonly Change[];
  readonly settings: Settings;
  readonly vendor: (typeof VENDORS)[number];
  readonly cpus: number;
  readonly guests: number;
  readonly board: "pc" | "microvm";
  readonly actions: readonly Action[];
  readonly sliceCycles: number;
}

const scene = {
  settings,
  changes: anyChanges(),
  vendor: fc.constantFrom(...VENDORS),
  cpus: fc.integer({ min: 1, max: 2 }),
  guests: fc.integer({ min: 1, max: 3 }),
  board: fc.constantFrom("pc" as const, "microvm" as const),
  actions: fc.array(anyAction(), { minLength: 3, maxLength: 30 }),
  sliceCycles: fc.constantFrom(700, 10_000, 1_000_000),
};

function hostWorld(
  { settings: { isDivided, haltPollNs, ksm, files }, vendor, cpus, ...rest }: Scene,
  epochCycles: number,
  checks = true,
): World {
  const { guests, board, actions, sliceCycles } = rest;
  const machines = Array.from({ length: guests }, () => ({ ...SMALL, board }));
  const nodes = isDivided ? cpus : 1;
  return World.create(host, {
    config: host.parse({
      host: vendor,
      cpus,
      nodes,
      guests: machines,
      // Of several guests the last is not limited.
      groups: machines.slice(guests === 1 ? 0 : 1).map(() => files),
      swapBytes: SWAP_BYTES,
      ksm,
      haltPollNs,
      checks,
    }),
    images: { kernel: programOf(actions, 3) },
    sliceCycles,
    epochCycles,
  });
}

law("guests-do-what-machines-do", {
  says: "Each of several guests on one or two CPUs, whatever is set for it and changed while it runs, prints what the same program prints on a machine of its own, and ends as it does.",
  cites: "DESIGN, Virtualisation hardware and KVM; Linux, Documentation/virt/kvm/api.rst, KVM_RUN",
  forAll: { ...scene, changesAt: fc.nat(2_000_000) },
  runs: 20,
  holds: ({ changesAt, ...given }) => {
    const alone = World.create(machine, {
      config: machine.parse({ ...SMALL, board: given.board, cpu: given.vendor }),
      images: { kernel: programOf(given.actions, 3) },
      epochCycles: 0,
    });
    const bare = new Witness(alone);
    alone.runUntil(END);
    const world = hostWorld(given, 0);
    const seen = new Witness(world);
    world.runUntil(changesAt);
    change(world, given);
    world.runUntil(END);
    const text = bare.consoles["com1"] ?? "";
    const prefixes =
      given.guests === 1 ? [""] : Array.from({ length: given.guests }, (_, i) => `m${i}.`);
    alone.release();
    world.release();
    return (
      bare.ends.join() === "machine exit 7" &&
      prefixes.every((prefix) => (seen.consoles[`${prefix}com1`] ?? "") === text) &&
      seen.ends.toSorted().join() === prefixes.map((prefix) => `${prefix}machine exit 7`).join()
    );
  },
});

law("a-host-goes-on-from-its-snapshot", {
  says: "The same set-up gives a host the same digest, wherever it was paused; and so does one that was taken back to a snapshot, or forked there, whatever its CPUs and guests were in the middle of and an administrator had changed, with its tables checked or not.",
  cites: "DESIGN, State is data; Time, order, randomness",
  forAll: {
    ...scene,
    at: fc.integer({ min: 0, max: 8_000_000 }),
    pause: fc.integer({ min: 1, max: 4_000_000 }),
  },
  runs: 25,
  holds: ({ at, pause, ...given }) => {
    const end = at + pause + 300_000;
    const [first, second] = [hostWorld(given, EPOCH, false), hostWorld(given, EPOCH)];
    for (const world of [first, second]) {
      world.runUntil(Math.floor(at / 2));
      change(world, given);
    }
    first.runUntil(end);
    const wanted = first.digest();
    second.runUntil(at);
    const snapshot = second.snapshot();
    const fork = second.fork();
    second.runUntil(at + pause);
    second.restore(snapshot);
    const digests = [second, fork].map((world) => {
      world.runUntil(end);
      return world.digest();
    });
    for (const world of [first, second, fork]) world.release();
    return digests.every((digest) => digest === wanted);
  },
});
