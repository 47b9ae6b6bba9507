/** How long it takes to go back to any moment of a run of several virtual seconds. */

import {
  CYCLES_PER_SECOND,
  DEFAULT_TIMELINE,
  DEFAULT_TOKENS,
  RandomStreams,
  tokens,
  World,
} from "../../api/index.ts";
import { figure, latencies, type Measurement, millisecondsOf } from "./figures.ts";
import { grouped } from "../tables.ts";

/** Virtual seconds run for each second of measuring. */
const RUN_SECONDS = 2;
const SEEKS = 100;

export const seeks: readonly Measurement[] = [
  {
    what: "seeking back",
    measure(seconds) {
      const virtualSeconds = RUN_SECONDS * seconds;
      const end = Math.round(virtualSeconds * CYCLES_PER_SECOND);
      const config = { ...DEFAULT_TOKENS, cpus: 0, tokens: 1 };
      const world = World.create(tokens, { config });
      world.keepTimeline(DEFAULT_TIMELINE);
      world.runUntil(end);
      const perSecond = grouped(Math.round(world.steps / virtualSeconds / 1000) * 1000);
      const stream = new RandomStreams("seeks").stream("times");
      const samples = Array.from({ length: SEEKS }, () => {
        world.seek(end);
        const time = stream.below(end);
        return millisecondsOf(() => world.seek(time));
      });
      world.release();
      const what = `seek back in ${virtualSeconds} virtual s of ${perSecond} events each`;
      const worst = figure(`${what}: worst`, "ms", [Math.max(...samples)]);
      return [...latencies(what, samples), worst];
    },
  },
];
