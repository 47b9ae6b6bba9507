/**
 * A world whose runners do in the middle of a slice all that a runner may: post, move and cancel events, wake each
 * other, write memory, park. The toy world's CPUs post an event only when they park.
 */

import fc from "fast-check";
import type { Blueprint } from "../../src/sim/blueprint.ts";
import type { Json } from "../../src/sim/data.ts";
import type { PagedMemory } from "../../src/sim/paged-memory.ts";
import type { Cell } from "../../src/sim/snapshot.ts";
import type { World } from "../../src/sim/world.ts";

export interface PostersConfig {
  readonly [key: string]: Json;
  readonly runners: number;
  /** Events lie up to this far in the future. */
  readonly reach: number;
}

/** In cycles. */
export const LONGEST_OPERATION = 5;

/** What a poster knows; `lateness` is how far past an event of its own it has ever been, and is what laws look at. */
interface Poster {
  handle: number;
  lateness: number;
}

const PAGES = 4;

export function anyPostersConfig(): fc.Arbitrary<PostersConfig> {
  return fc.record({
    runners: fc.integer({ min: 1, max: 4 }),
    reach: fc.constantFrom(1, 7, 300, 5000),
  });
}

export const posters: Blueprint<PostersConfig> = {
  name: "posters",
  version: 1,
  parse: (config) => config as PostersConfig,
  images: () => [],
  build(world, config) {
    const memory = world.memory("memory", PAGES * 4096);
    for (let i = 0; i < config.runners; i += 1) buildPoster(world, memory, config, `poster${i}`);
  },
  start() {},
};

function buildPoster(
  world: World,
  memory: PagedMemory,
  { runners, reach }: PostersConfig,
  name: string,
): void {
  const cell = world.registry.plain<Poster>(name, { handle: -1, lateness: 0 });
  const stream = world.random(name);
  const actions: (() => void)[] = [
    () => {},
    () => memory.write32(stream.below(PAGES * 4096 - 4), stream.u32()),
    () => void (cell.value.handle = world.postIn(stream.below(reach), name, "due", { name })),
    () => move(world, cell, stream.below(reach)),
    () => void world.cancel(cell.value.handle),
    () => world.wake(`poster${stream.below(runners)}`),
  ];
  world.addRunner({
    name,
    run(slice) {
      while (slice.clock < slice.limit) {
        slice.clock += 1 + stream.below(LONGEST_OPERATION);
        stream.pick(actions)();
        if (stream.chance(40)) {
          world.postIn(1 + stream.below(reach), name, "wake");
          slice.park();
          return;
        }
      }
    },
  });
  world.add({
    name,
    handlers: {
      due: () => {
        const late = world.clockOf(name) - world.now;
        cell.value.lateness = Math.max(cell.value.lateness, late);
      },
      wake: () => world.wake(name),
    },
  });
}

function move(world: World, cell: Cell<Poster>, delay: number): void {
  cell.value.handle = world.reschedule(cell.value.handle, world.now + delay) ?? -1;
}

/** How far a runner has ever been past an event of its own. */
export function latenessOf(world: World): number {
  const { names, saved } = world.registry.save();
  return Math.max(
    ...names.flatMap((name, i) =>
      name.startsWith("poster") ? [(saved[i] as Poster).lateness] : [],
    ),
  );
}
