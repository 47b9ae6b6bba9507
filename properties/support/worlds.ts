/** Arbitraries for worlds of the simulation kernel: set-ups, inputs, and ways to walk through a run. */

import fc from "fast-check";
import type { Setup } from "../../src/sim/blueprint.ts";
import type { Fault } from "../../src/sim/faults.ts";
import { MemoryPool } from "../../src/sim/paged-memory.ts";
import { drawSchedulePlan } from "../../src/sim/schedule.ts";
import { type TokensConfig, tokens } from "../../src/sim/toy/tokens.ts";
import { World } from "../../src/sim/world.ts";
import { RandomStreams } from "../../src/sim/random.ts";

export type TokensSetup = Setup<TokensConfig>;

/** Memories of all worlds that laws make. */
export const pool = new MemoryPool();

/** Runs in laws end here, in cycles. */
export const HORIZON = 40_000;

export const anyTime = (): fc.Arbitrary<number> => fc.nat(HORIZON);

export function anyTokensConfig(): fc.Arbitrary<TokensConfig> {
  return fc.record({
    nodes: fc.integer({ min: 1, max: 8 }),
    tokens: fc.integer({ min: 0, max: 6 }),
    cpus: fc.integer({ min: 0, max: 4 }),
    adding: fc.constantFrom("locked" as const, "racy" as const),
    pages: fc.integer({ min: 2, max: 600 }),
  });
}

export function anyFault(): fc.Arbitrary<Fault> {
  return fc.record({
    time: anyTime(),
    target: fc.constant("ring"),
    kind: fc.constantFrom("lose", "double"),
  });
}

/** With schedules disturbed and undisturbed, faults, short and long slices, short and long epochs. */
export function anyTokensSetup(): fc.Arbitrary<TokensSetup> {
  return fc
    .record({
      config: anyTokensConfig(),
      seed: fc.oneof(fc.nat(1000).map(String), fc.string({ unit: "binary", maxLength: 6 })),
      // Without epochs events are not digested either.
      epochCycles: fc.constantFrom(0, 1000, 7777, 20_000),
      sliceCycles: fc.constantFrom(1, 50, 1000, 10_000),
      schedule: fc.option(anySchedule(), { nil: null }),
      faults: fc.array(anyFault(), { maxLength: 3 }),
    })
    .map((setup) => ({ ...setup, images: {}, mutants: [] }));
}

export function anySchedule(
  runners = 4,
  longestWindow = 5000,
): fc.Arbitrary<ReturnType<typeof drawSchedulePlan>> {
  return fc
    .record({
      seed: fc.nat(),
      depth: fc.integer({ min: 1, max: 6 }),
      windowCycles: fc.integer({ min: 1, max: longestWindow }),
    })
    .map(({ seed, depth, windowCycles }) => {
      const stream = new RandomStreams(String(seed)).stream("schedule");
      return drawSchedulePlan(stream, runners, depth, 200, windowCycles);
    });
}

/** An input to the ring at a moment of the run. */
export interface PlannedInput {
  readonly time: number;
  readonly node: number;
}

export function anyInputs(): fc.Arbitrary<PlannedInput[]> {
  return fc
    .array(fc.record({ time: anyTime(), node: fc.nat(9) }), { maxLength: 5 })
    .map((inputs) => inputs.toSorted((a, b) => a.time - b.time));
}

export function createTokens(setup: TokensSetup): World {
  return World.create(tokens, setup, pool);
}

/** Runs to `end` and gives each input at its time. */
export function runWithInputs(world: World, inputs: readonly PlannedInput[], end: number): void {
  for (const { time, node } of inputs) {
    if (time > end) break;
    world.runUntil(time);
    world.input("ring", "insert", node);
  }
  world.runUntil(end);
}

/** One move of somebody who walks through a run. */
export interface Move {
  readonly how: "time" | "step" | "slice" | "input" | "back";
  readonly time: number;
  readonly cpu: number;
}

/** Moves that never leave the run: they pause it, between decisions and in the middle of slices. */
export function anyPauses(): fc.Arbitrary<Move[]> {
  return anyMoves("time", "step", "slice");
}

/** Also gives inputs, and goes back and forth; for a world with a timeline. */
export function anyWalk(): fc.Arbitrary<Move[]> {
  return anyMoves("time", "step", "slice", "input", "back");
}

function anyMoves(...how: Move["how"][]): fc.Arbitrary<Move[]> {
  const move = fc.record({ how: fc.constantFrom(...how), time: anyTime(), cpu: fc.nat(3) });
  return fc.array(move, { maxLength: 12 });
}

export function walk(world: World, moves: readonly Move[]): void {
  const { cpus } = world.setup.config as TokensConfig;
  for (const { how, time, cpu } of moves) {
    if (how === "step") world.step();
    else if (how === "time") world.runUntil(Math.max(time, world.now));
    else if (how === "input") world.input("ring", "insert", cpu);
    else if (how === "back") goBackAndForth(world, time);
    else if (cpu < cpus) goIntoSlice(world, `cpu${cpu}`, time);
  }
}

/** Goes to `time`, or to when the CPU wakes next, which is parked most of the time, and some cycles on. */
export function goIntoSlice(world: World, cpu: string, time: number): void {
  world.runInto(cpu, time);
  while (world.isParked(cpu) && world.step());
  world.runInto(cpu, world.clockOf(cpu) + 1 + (time % 16));
}

/** Afterwards the world is at least as far as before. */
function goBackAndForth(world: World, time: number): void {
  const { steps, now } = world;
  world.seek(Math.min(time, now));
  world.runUntil(now);
  // Inputs at the very moment came after all that was decided before it.
  while (world.steps < steps) world.step();
}

/** Runs, takes the digest of the end, and gives the memories back. */
export function digestOfRun(
  setup: TokensSetup,
  inputs: readonly PlannedInput[],
  end: number,
): string {
  const world = createTokens(setup);
  runWithInputs(world, inputs, end);
  const digest = world.digest();
  world.release();
  return digest;
}

/** Does something with a world and gives its memories back. */
export function using<T>(world: World, action: (world: World) => T): T {
  try {
    return action(world);
  } finally {
    world.release();
  }
}
