/**
 * Fault plans: which component fails, how and when, as a list that shrinks by leaving entries out. The plan is part
 * of a world's set-up; its entries enter the event queue at the start.
 */

import type { Json } from "./data.ts";
import type { RandomStream } from "./random.ts";
import type { Cycles } from "./time.ts";

export interface Fault {
  readonly time: Cycles;
  /** The component that fails. */
  readonly target: string;
  /** One of the fault kinds that the component declares. */
  readonly kind: string;
  /** What the kind asks for. */
  readonly detail?: Json;
}

export type FaultPlan = readonly Fault[];

/** What a component can suffer. */
export interface FaultSite {
  readonly target: string;
  readonly kind: string;
}

/** Draws a plan of `count` faults over `sites` before `horizon`, in order of time. */
export function drawFaultPlan(
  stream: RandomStream,
  sites: readonly FaultSite[],
  count: number,
  horizon: Cycles,
): FaultPlan {
  const plan: Fault[] = [];
  if (sites.length === 0) return plan;
  for (let i = 0; i < count; i += 1) {
    const { target, kind } = stream.pick(sites);
    plan.push({ time: stream.below(horizon), target, kind });
  }
  return plan.sort((a, b) => a.time - b.time);
}
