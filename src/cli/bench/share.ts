/** What a host with a thousand guests costs: real time for a virtual second. */

import { performance } from "node:perf_hooks";
import { share, World } from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const GUESTS = 1000;
const CPUS = 16;
const BAR = { relation: "below", value: 30 } as const;
const SECOND = 1_000_000_000;
/** The first twentieth warms up, and is counted with the rest. */
const PARTS = 20;
/** How long a CPU runs before another one gets its turn. */
const SLICE = 10_000;

const second = (vendor: "amd" | "intel"): Measurement => ({
  what: `${GUESTS} guests on ${CPUS} CPUs of ${vendor}`,
  measure(seconds) {
    const guests = Array.from({ length: GUESTS }, () => ({ workload: "service" }));
    const config = share.parse({ host: vendor, cpus: CPUS, guests });
    const world = World.create(share, { config, seed: "0", epochCycles: 0, sliceCycles: SLICE });
    // Less than a second is measured in a hurry, and counted for one.
    const parts = seconds < 1 ? 1 : PARTS;
    const started = performance.now();
    for (let part = 1; part <= parts; part += 1) world.runUntil((part * SECOND) / PARTS);
    const spent = ((performance.now() - started) / 1000) * (PARTS / parts);
    world.release();
    const what = `${vendor}: ${GUESTS} guests that compute, send and sleep on ${CPUS} CPUs, a virtual second`;
    return [figure(what, "s", [spent], BAR)];
  },
});

export const sharing: readonly Measurement[] = [second("amd"), second("intel")];
