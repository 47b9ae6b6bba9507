/**
 * Who of a queue runs next, and what it pays: the earliest eligible virtual deadline first. Stoica and Abdel-Wahab,
 * TR-95-22; Linux, Documentation/scheduler/sched-eevdf.rst; kernel/sched/fair.c with PLACE_LAG,
 * PLACE_DEADLINE_INITIAL, PLACE_REL_DEADLINE, RUN_TO_PARITY, PREEMPT_SHORT, DELAY_DEQUEUE, DELAY_ZERO. Preemption is
 * due at an exact time, as with HRTICK.
 */

import { first, insert, isBefore, remove } from "./deadline-tree.ts";
import type { CfsRq, Entity } from "./entity.ts";
import { NICE_0 } from "./weights.ts";

/** sysctl_sched_base_slice with eight CPUs or more. */
export const BASE_SLICE = 3_000_000;
/** TICK_NSEC at 250 Hz: what lag may always be. */
const TICK = 4_000_000;

/** calc_delta_fair: a time as an entity's virtual time. */
const virtual = (time: number, { weight }: Entity): number =>
  weight === NICE_0 ? time : Math.floor((time * NICE_0) / weight);

/** How long an entity runs until its virtual time has passed. */
export const real = (time: number, { weight }: Entity): number =>
  Math.ceil((time * weight) / NICE_0);

/** What of the queue counts `curr`. */
const running = ({ curr }: CfsRq): Entity | null => (curr !== null && curr.isQueued ? curr : null);

/** avg_vruntime: where an entity is owed nothing and owes nothing. */
export function averageVruntime(queue: CfsRq): number {
  const curr = running(queue);
  let { treeSum: sum, treeWeight: weight } = queue;
  if (curr !== null) {
    sum += (curr.vruntime - queue.zero) * curr.weight;
    weight += curr.weight;
  }
  return weight === 0 ? queue.zero : queue.zero + Math.floor(sum / weight);
}

function isEligibleAt(queue: CfsRq, vruntime: number): boolean {
  const curr = running(queue);
  let { treeSum: sum, treeWeight: weight } = queue;
  if (curr !== null) {
    sum += (curr.vruntime - queue.zero) * curr.weight;
    weight += curr.weight;
  }
  return sum >= (vruntime - queue.zero) * weight;
}

const isEligible = (queue: CfsRq, entity: Entity): boolean => isEligibleAt(queue, entity.vruntime);

/** Keeps sums small: update_zero_vruntime. */
function moveZero(queue: CfsRq): void {
  const average = averageVruntime(queue);
  queue.treeSum -= (average - queue.zero) * queue.treeWeight;
  queue.zero = average;
}

function addToTree(queue: CfsRq, entity: Entity): void {
  queue.treeSum += (entity.vruntime - queue.zero) * entity.weight;
  queue.treeWeight += entity.weight;
  insert(queue, entity);
}

function takeFromTree(queue: CfsRq, entity: Entity): void {
  remove(queue, entity);
  queue.treeSum -= (entity.vruntime - queue.zero) * entity.weight;
  queue.treeWeight -= entity.weight;
}

/** update_curr, of one level: what has been run. */
export function account(queue: CfsRq): number {
  const { curr, rq } = queue;
  if (curr === null) return 0;
  const ran = rq.clock - curr.execStart;
  if (ran <= 0) return 0;
  curr.execStart = rq.clock;
  queue.used += ran;
  if (!curr.isQueued) return ran;
  curr.vruntime += virtual(ran, curr);
  if (curr.vruntime >= curr.deadline) {
    if (!curr.hasOwnSlice) curr.slice = BASE_SLICE;
    curr.deadline = curr.vruntime + virtual(curr.slice, curr);
    // Its request is served: another one may be picked.
    curr.protectedTo = curr.vruntime;
    if (queue.next === curr) queue.next = null;
  }
  moveZero(queue);
  return ran;
}

/** update_entity_lag, before it leaves the average. */
function keepLag(queue: CfsRq, entity: Entity): void {
  const limit = virtual(Math.max(2 * entity.slice, TICK), entity);
  const lag = averageVruntime(queue) - entity.vruntime;
  entity.vlag = Math.max(-limit, Math.min(limit, lag));
}

/** place_entity: its lag is as it was, though the average moves as it comes. */
function place(queue: CfsRq, entity: Entity, isNew: boolean): void {
  if (!entity.hasOwnSlice) entity.slice = BASE_SLICE;
  let slice = virtual(entity.slice, entity);
  let lag = 0;
  if (queue.queued > 0 && entity.vlag !== 0) {
    const weight = queue.treeWeight + (running(queue)?.weight ?? 0);
    lag = weight > 0 ? Math.trunc((entity.vlag * (weight + entity.weight)) / weight) : 0;
  }
  entity.vruntime = averageVruntime(queue) - lag;
  if (entity.isRelative) {
    entity.isRelative = false;
    entity.deadline += entity.vruntime;
    return;
  }
  // A newcomer waits for less.
  if (isNew) slice = Math.floor(slice / 2);
  entity.deadline = entity.vruntime + slice;
}

/** enqueue_entity. The queue's time is the present. */
export function enqueue(queue: CfsRq, entity: Entity, isNew: boolean): void {
  const isCurr = queue.curr === entity;
  place(queue, entity, isNew);
  queue.queued += 1;
  queue.load += entity.weight;
  if (!isCurr) addToTree(queue, entity);
  entity.isQueued = true;
  moveZero(queue);
}

/** dequeue_entity of one that sleeps, if it has run ahead: it stays, and is not picked before it is eligible. */
export function delay(queue: CfsRq, entity: Entity): boolean {
  if (isEligible(queue, entity)) return false;
  keepLag(queue, entity);
  entity.isDelayed = true;
  if (queue.next === entity) queue.next = null;
  return true;
}

/** dequeue_entity. One that does not sleep keeps its deadline. */
export function dequeue(queue: CfsRq, entity: Entity, sleeps: boolean): void {
  if (queue.next === entity) queue.next = null;
  keepLag(queue, entity);
  if (entity !== queue.curr) takeFromTree(queue, entity);
  if (!sleeps) makeRelative(entity);
  entity.isQueued = false;
  queue.queued -= 1;
  queue.load -= entity.weight;
  if (entity.isDelayed) {
    entity.isDelayed = false;
    // DELAY_ZERO: it gains nothing by having waited.
    if (entity.vlag > 0) entity.vlag = 0;
  }
  moveZero(queue);
}

/** requeue_delayed_entity: it wakes before it has left. */
export function requeue(queue: CfsRq, entity: Entity): void {
  keepLag(queue, entity);
  if (entity.vlag > 0) replace(queue, entity, () => (entity.vlag = 0));
  entity.isDelayed = false;
}

/** Its order in the tree depends on it, so it is in none. */
function makeRelative(entity: Entity): void {
  if (entity.isRelative) return;
  entity.deadline -= entity.vruntime;
  entity.isRelative = true;
}

/** Takes it out while something changes, and places it anew. */
function replace(queue: CfsRq, entity: Entity, change: () => void): void {
  const isCurr = queue.curr === entity;
  if (!isCurr) takeFromTree(queue, entity);
  queue.queued -= 1;
  queue.load -= entity.weight;
  change();
  entity.isQueued = false;
  place(queue, entity, false);
  queue.queued += 1;
  queue.load += entity.weight;
  if (!isCurr) addToTree(queue, entity);
  entity.isQueued = true;
  moveZero(queue);
}

/** reweight_entity: its lag in real time stays, and its request. */
export function reweight(queue: CfsRq, entity: Entity, weight: number): void {
  const change = (): void => {
    if (entity.isQueued) makeRelative(entity);
    entity.vlag = Math.trunc((entity.vlag * entity.weight) / weight);
    if (entity.isRelative) entity.deadline = Math.trunc((entity.deadline * entity.weight) / weight);
    entity.weight = weight;
  };
  if (!entity.isQueued) {
    change();
    return;
  }
  keepLag(queue, entity);
  const left = entity.protectedTo - entity.vruntime;
  const before = entity.weight;
  replace(queue, entity, change);
  entity.protectedTo = entity.vruntime + Math.trunc((left * before) / weight);
}

/** pick_eevdf. With `protects`, who runs is not preempted before its time. */
export function pick(queue: CfsRq, protects: boolean): Entity | null {
  const { next } = queue;
  if (next !== null && isEligible(queue, next)) return next;
  return pickByDeadline(queue, protects);
}

export function pickByDeadline(queue: CfsRq, protects: boolean): Entity | null {
  let curr = running(queue);
  if (queue.root === null) return curr;
  if (protects && curr !== null && curr.vruntime < curr.protectedTo) return curr;
  if (curr !== null && !isEligible(queue, curr)) curr = null;
  const best = firstEligible(queue);
  if (best === null) return curr ?? first(queue);
  return curr !== null && isBefore(curr, best) ? curr : best;
}

function firstEligible(queue: CfsRq): Entity | null {
  const soonest = first(queue);
  if (soonest !== null && isEligible(queue, soonest)) return soonest;
  let node = queue.root;
  while (node !== null) {
    const { left } = node;
    if (left !== null && isEligibleAt(queue, left.leastVruntime)) node = left;
    else if (isEligible(queue, node)) return node;
    else node = node.right;
  }
  return null;
}

/** set_next_entity. */
export function setNext(queue: CfsRq, entity: Entity): void {
  if (entity.isQueued && queue.curr !== entity) takeFromTree(queue, entity);
  queue.next = null;
  queue.curr = entity;
  entity.execStart = queue.rq.clock;
  protect(queue, entity);
}

/** set_protect_slice: as long as the least that anybody here asks for. */
export function protect(queue: CfsRq, entity: Entity): void {
  const slice = Math.min(entity.slice, queue.root?.leastSlice ?? entity.slice);
  entity.protectedTo = Math.min(entity.deadline, entity.vruntime + virtual(slice, entity));
}

/** put_prev_entity. */
export function putPrev(queue: CfsRq, entity: Entity): void {
  queue.curr = null;
  if (entity.isQueued) addToTree(queue, entity);
}

/** yield_task_fair: what is left of its request is forfeited, unless it has run ahead. */
export function giveUp(queue: CfsRq, entity: Entity): void {
  if (isEligible(queue, entity)) {
    entity.vruntime = entity.deadline;
    entity.deadline += virtual(entity.slice, entity);
    moveZero(queue);
  }
  entity.protectedTo = entity.vruntime;
}
