/** A world in which one byte of memory silently gets a value at a planted time, for a while or for good, while a clock ticks. */

import type { Blueprint } from "../../src/sim/blueprint.ts";
import type { Json } from "../../src/sim/data.ts";
import type { MemoryPool } from "../../src/sim/paged-memory.ts";
import { World } from "../../src/sim/world.ts";

interface Mark {
  readonly [key: string]: Json;
  readonly time: number;
  /** When the byte is zero again; null for never. */
  readonly until: number | null;
  readonly address: number;
  readonly value: number;
}

/** More than one chunk of an image has. */
export const MARKING_PAGES = 520;

const blueprint: Blueprint<Mark> = {
  name: "marking",
  version: 1,
  parse: (config) => config as Mark,
  images: () => [],
  build(world, mark) {
    const memory = world.memory("memory", MARKING_PAGES * 4096);
    world.add({
      name: "clock",
      handlers: {
        tick: () => void world.postIn(250, "clock", "tick"),
        mark: () => memory.write8(mark.address, mark.value),
        erase: () => memory.write8(mark.address, 0),
      },
    });
  },
  start(world, mark) {
    world.post(0, "clock", "tick");
    world.post(mark.time, "clock", "mark");
    if (mark.until !== null) world.post(mark.until, "clock", "erase");
  },
};

export function marking(mark: Mark, epochCycles: number, pool: MemoryPool): World {
  return World.create(blueprint, { config: mark, epochCycles }, pool);
}
