/**
 * A fixed run of the toy world, with CPUs, a disturbed schedule, faults and inputs, as the list of its digests.
 * It must be the same list wherever JavaScript runs. Imports nothing of Node, so that a browser can load it.
 */

import {
  DEFAULT_TOKENS,
  drawFaultPlan,
  drawSchedulePlan,
  MemoryPool,
  RandomStreams,
  tokens,
  World,
} from "../../src/api/index.ts";

const CPUS = 4;
const END = 2_000_000;
const MOMENTS = [1, 333_333, 1_000_000, 1_999_999] as const;

/** Every epoch's digest, then the end's, then one for each moment sought afterwards. */
export function digestsOfFixedRun(): readonly string[] {
  const streams = new RandomStreams("the same everywhere, ünï¢ødé too");
  const sites = [
    { target: "ring", kind: "lose" },
    { target: "ring", kind: "double" },
  ];
  const world = World.create(
    tokens,
    {
      config: { ...DEFAULT_TOKENS, cpus: CPUS, adding: "racy", pages: 2048 },
      seed: "chromium",
      epochCycles: 50_000,
      sliceCycles: 777,
      schedule: drawSchedulePlan(streams.stream("schedule"), CPUS, 8, 20_000, 3000),
      faults: drawFaultPlan(streams.stream("faults"), sites, 9, END),
    },
    new MemoryPool(2),
  );
  world.keepTimeline({ everyCycles: 100_000, maxSnapshots: 8, maxBytes: 1 << 26 });
  const inputs = streams.stream("inputs");
  for (let time = 0; time < END; time += 1 + inputs.below(400_000)) {
    world.runUntil(time);
    world.input("ring", "insert", inputs.below(16));
  }
  world.runUntil(END);
  const digests = [...world.epochDigests, world.digest()];
  for (const moment of MOMENTS) {
    world.seek(moment);
    digests.push(world.digest());
  }
  world.release();
  return digests;
}
