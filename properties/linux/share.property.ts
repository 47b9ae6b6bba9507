/** Laws of a host that guests divide: real guests, in groups of their own. */

import fc from "fast-check";
import { share, type GuestShares, sharesOf } from "../../src/api/share.ts";
import { World } from "../../src/sim/world.ts";
import { law } from "../support/law.ts";
import { VENDORS } from "../support/kvm-guest.ts";

const WINDOW = 200_000_000;
/** What guests are late by when they are woken, and how far one may be ahead of another: requests of 3 ms. */
const TOLERANCE = 4 * 3_000_000;
const MEMORY_MAX = 400 * 1024;
/** A period of the bandwidth of groups, and what CPUs may hold of it. */
const [PERIOD, HELD] = [100_000_000, 2_000_000];
const FRAME_BITS = 8 * 1538;

const isGreedy = ({ workload }: { readonly workload: string }): boolean =>
  workload === "compute" || workload === "memory";

interface Guest {
  readonly workload: string;
  readonly weight: number;
  readonly cpuMaxUs: number | null;
  /** It has less memory than it uses. */
  readonly isShort: boolean;
}

const guest: Guest = { workload: "compute", weight: 100, cpuMaxUs: null, isShort: false };
/** One that has four times another's weight, and less memory than it uses. */
const UNEQUAL: Guest[] = [
  guest,
  { ...guest, workload: "memory", weight: 400, isShort: true },
  { ...guest, workload: "network", weight: 50 },
];

law("each-guest-has-what-it-was-promised", {
  says: "Of guests on one processor, those that always want it have at least what their weights promise, but for a few requests, whatever the others do, also those that have less memory than they use; none passes its limits of time and memory, and together they have no more than there is of the processor and of the uplink.",
  cites:
    "Stoica and Abdel-Wahab, Earliest Eligible Virtual Deadline First; Linux, Documentation/admin-guide/cgroup-v2.rst",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    guests: fc.array(
      fc.record<Guest>({
        workload: fc.constantFrom("compute", "compute", "memory", "network", "service"),
        weight: fc.constantFrom(50, 100, 200, 400),
        cpuMaxUs: fc.option(fc.constantFrom(10_000, 30_000), { freq: 4 }),
        isShort: fc.boolean(),
      }),
      { minLength: 2, maxLength: 5 },
    ),
    bitsPerSecond: fc.constantFrom(100_000_000, 1_000_000_000),
    seed: fc.nat(1000),
  },
  runs: 8,
  once: VENDORS.map((vendor) => ({ vendor, guests: UNEQUAL, bitsPerSecond: 1e8, seed: 0 })),
  holds: ({ vendor, guests, bitsPerSecond, seed }) => {
    const config = share.parse({
      host: vendor,
      cpus: 1,
      bitsPerSecond,
      guests: guests.map(({ isShort, ...rest }) => ({
        ...rest,
        memoryMax: isShort && rest.workload === "memory" ? MEMORY_MAX : null,
      })),
    });
    const world = World.create(share, { config, seed: `${seed}`, epochCycles: 0 });
    world.runUntil(WINDOW);
    const shares = sharesOf(world);
    world.release();
    for (const one of shares) check(one);
    const sum = (of: (one: GuestShares) => number): number =>
      shares.reduce((all, one) => all + of(one), 0);
    if (sum(({ cpu }) => cpu.received) > 1.001) throw new Error("more time than there is");
    const bits = sum(({ network }) => network.received);
    if (bits > bitsPerSecond + (FRAME_BITS * 1e9) / WINDOW)
      throw new Error(`${bits} bits a second`);
  },
});

// Helpers

function check(one: GuestShares): void {
  const { name, workload, cpu, memory } = one;
  const late = TOLERANCE / WINDOW;
  if (isGreedy(one) && cpu.received < cpu.promised - late - 0.02 * cpu.promised)
    throw new Error(`${name}, ${workload}: ${cpu.received} of ${cpu.promised}`);
  const periods = Math.ceil(WINDOW / PERIOD) + 1;
  const most = (cpu.bound * periods * PERIOD + HELD) / WINDOW;
  if (cpu.received > most) throw new Error(`${name}: ${cpu.received}, at most ${most}`);
  if (memory.received > memory.bound) throw new Error(`${name}: ${memory.received} bytes`);
}
