/** How many events a second the simulation kernel decides on one core, with and without digests and sinks. */

import { performance } from "node:perf_hooks";
import {
  DEFAULT_SETUP,
  DEFAULT_TOKENS,
  MemoryRing,
  tokens,
  type TokensConfig,
  World,
} from "../../api/index.ts";
import { type Bar, figure, type Measurement } from "./figures.ts";

const ROUNDS = 7;
/** The toy world starts with no more; further ones are inserted. */
const TOKENS_AT_START = 65_536;
const BAR: Bar = { relation: "at least", value: 2_000_000 };
/** Doubled until a step takes a fair share of the time. */
const FIRST_STEP_CYCLES = 10;

export const events: readonly Measurement[] = [
  eventsPerSecond("trace off, 8 events waiting", 8, BAR),
  eventsPerSecond("trace off, 1,000 events waiting", 1000, BAR),
  eventsPerSecond("trace off, 100,000 events waiting", 100_000, BAR),
  eventsPerSecond("digest every ms, 8 events waiting", 8, null, true),
  eventsPerSecond("events kept in a ring of memory, 8 waiting", 8, null, false, true),
];

function eventsPerSecond(
  what: string,
  waiting: number,
  bar: Bar | null,
  digests = false,
  kept = false,
): Measurement {
  return {
    what,
    measure(seconds) {
      const world = worldWith(waiting, digests);
      if (kept) world.trace.attach(new MemoryRing(65_536));
      const roundMilliseconds = (seconds * 1000) / ROUNDS;
      decideFor(world, roundMilliseconds);
      const rates = Array.from({ length: ROUNDS }, () => decideFor(world, roundMilliseconds));
      world.release();
      return [figure(`events: ${what}`, "events/s", rates, bar)];
    },
  };
}

function worldWith(waiting: number, digests: boolean): World {
  const atStart = Math.min(waiting, TOKENS_AT_START);
  const config: TokensConfig = { ...DEFAULT_TOKENS, cpus: 0, tokens: atStart };
  const epochCycles = digests ? DEFAULT_SETUP.epochCycles : 0;
  const world = World.create(tokens, { config, epochCycles });
  for (let more = atStart; more < waiting; more += 1) world.input("ring", "insert", more % 16);
  return world;
}

/** Runs for about so long and returns the decisions per second. */
function decideFor(world: World, milliseconds: number): number {
  const before = world.steps;
  const started = performance.now();
  let elapsed = 0;
  for (let step = FIRST_STEP_CYCLES; elapsed < milliseconds; ) {
    const from = elapsed;
    world.runUntil(world.now + step);
    elapsed = performance.now() - started;
    if (elapsed - from < milliseconds / 20) step *= 2;
  }
  return ((world.steps - before) * 1000) / elapsed;
}
