/** Whether a thread that has come preempts who runs: Linux, kernel/sched/fair.c, check_preempt_wakeup_fair. */

import type { Entity } from "./entity.ts";
import { pickByDeadline, protect } from "./eevdf.ts";
import type { RunQueue } from "./run-queue.ts";

const depthOf = ({ queue }: Entity): number =>
  queue.owner === null ? 0 : 1 + depthOf(queue.owner);

/** find_matching_entity: those of two that are in the same queue; null where a throttled one is on the way. */
function matching(a: Entity, b: Entity): readonly [Entity, Entity] | null {
  let [one, other]: [Entity | null, Entity | null] = [a, b];
  while (one !== null && other !== null && one.queue !== other.queue) {
    const [depth, otherDepth] = [depthOf(one), depthOf(other)];
    if (other.queue.isThrottled || one.queue.isThrottled) return null;
    if (depth >= otherDepth) one = one.queue.owner;
    if (otherDepth >= depth) other = other.queue.owner;
  }
  return one === null || other === null ? null : [one, other];
}

/** What has run is accounted for. `isBatch`: it preempts nobody but who is idle. */
export function isPreempted({ curr }: RunQueue, woken: Entity, isBatch: boolean): boolean {
  if (curr === null) return true;
  if (curr === woken) return false;
  const pair = matching(curr, woken);
  if (pair === null) return false;
  const [running, other] = pair;
  if (running.isIdle !== other.isIdle) return running.isIdle;
  if (isBatch) return false;
  const { queue } = running;
  const isShorter = other.slice < running.slice;
  if (pickByDeadline(queue, !isShorter) === other) return true;
  if (isShorter) protect(queue, running);
  return false;
}
