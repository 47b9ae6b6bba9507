/** What snapshot, restore and fork cost for a world of 64 MiB of which 100 pages have been written. */

import { DEFAULT_TOKENS, MemoryPool, PAGE_SIZE, tokens, World } from "../../api/index.ts";
import { type Bar, figure, latencies, type Measurement, millisecondsOf } from "./figures.ts";

const PAGES = 16_384;
const DIRTY_PAGES = 100;
/** For each second of measuring. */
const REPETITIONS = 150;
const WARM_UP = 25;
const FIRST_FORKS = 5;
const BAR: Bar = { relation: "below", value: 1 };

export const snapshots: readonly Measurement[] = [
  timed("snapshot", null, (world) => {
    const repeat = (): number => {
      dirty(world);
      return millisecondsOf(() => void world.snapshot());
    };
    return repeat;
  }),
  timed("restore", BAR, (world) => {
    const base = world.snapshot();
    return () => {
      dirty(world);
      return millisecondsOf(() => world.restore(base));
    };
  }),
  timed("fork", BAR, (world) => () => {
    dirty(world);
    let fork = world;
    const milliseconds = millisecondsOf(() => {
      fork = world.fork();
    });
    fork.release();
    return milliseconds;
  }),
  {
    what: "first fork, into a memory never used",
    measure() {
      const world = fullWorld();
      world.snapshot();
      const forks: World[] = [];
      const samples = Array.from({ length: FIRST_FORKS }, () => {
        dirty(world);
        return millisecondsOf(() => void forks.push(world.fork()));
      });
      for (const fork of forks) fork.release();
      return [figure("64 MiB, first fork, into a memory never used", "ms", samples)];
    },
  },
];

function timed(
  what: string,
  bar: Bar | null,
  prepare: (world: World) => () => number,
): Measurement {
  return {
    what,
    measure(seconds) {
      const world = fullWorld();
      const repeat = prepare(world);
      for (let i = 0; i < WARM_UP * seconds; i += 1) repeat();
      const samples = Array.from({ length: Math.ceil(REPETITIONS * seconds) }, repeat);
      world.release();
      return latencies(`64 MiB, ${DIRTY_PAGES} pages written, ${what}`, samples, bar);
    },
  };
}

/** Every page of its memory holds something. */
function fullWorld(): World {
  const config = { ...DEFAULT_TOKENS, pages: PAGES };
  const world = World.create(tokens, { config, epochCycles: 0 }, new MemoryPool());
  const memory = world.memoryOf("memory");
  for (let page = 0; page < PAGES; page += 1) memory.write32(page * PAGE_SIZE + 8, page + 1);
  world.runUntil(100_000);
  return world;
}

let turn = 0;

/** Writes pages all over the memory, other ones each time. */
function dirty(world: World): void {
  const memory = world.memoryOf("memory");
  turn += 1;
  const distance = Math.floor(PAGES / DIRTY_PAGES);
  for (let i = 0; i < DIRTY_PAGES; i += 1) {
    const page = (i * distance + turn * 7) % PAGES;
    memory.write32(page * PAGE_SIZE + 16, turn);
  }
}
