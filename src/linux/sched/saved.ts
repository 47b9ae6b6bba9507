/** The scheduler's state as plain data. Trees are made again from what is queued: their form depends on nothing else. */

import { insert } from "./deadline-tree.ts";
import type { CfsRq, Entity } from "./entity.ts";
import type { RunQueue } from "./run-queue.ts";
import type { TaskGroups } from "./task-groups.ts";
import type { TaskGroup } from "./group.ts";
import type { Thread } from "./thread.ts";

const ENTITY = [
  "weight",
  "isIdle",
  "isQueued",
  "isDelayed",
  "slice",
  "hasOwnSlice",
  "vruntime",
  "deadline",
  "isRelative",
  "protectedTo",
  "vlag",
  "execStart",
] as const satisfies readonly (keyof Entity)[];
const QUEUE = [
  "queued",
  "load",
  "treeWeight",
  "treeSum",
  "zero",
  "runnable",
  "used",
  "isLimited",
  "remaining",
  "isThrottled",
  "throttledAt",
] as const satisfies readonly (keyof CfsRq)[];
const THREAD = [
  "state",
  "isNew",
  "cpu",
  "affinity",
  "attributes",
  "hasSignal",
  "queuedAt",
  "runsSince",
  "delay",
] as const satisfies readonly (keyof Thread)[];
const RUN_QUEUE = ["clock", "until", "isOnline"] as const satisfies readonly (keyof RunQueue)[];

type Fields<T, K extends readonly (keyof T)[]> = Pick<T, K[number]>;

interface SavedQueue extends Fields<CfsRq, typeof QUEUE> {
  /** Numbers of entities, or -1. */
  readonly next: number;
  readonly owner: Fields<Entity, typeof ENTITY> | null;
}

interface SavedGroup {
  readonly parent: number;
  readonly shares: number;
  readonly isIdle: boolean;
  readonly load: number;
  readonly counted: readonly number[];
  readonly pool: TaskGroup["pool"];
  readonly queues: readonly SavedQueue[];
}

interface SavedThread extends Fields<Thread, typeof THREAD> {
  readonly group: number;
  readonly allowed: Uint8Array;
  readonly entity: Fields<Entity, typeof ENTITY>;
}

interface SavedRunQueue extends Fields<RunQueue, typeof RUN_QUEUE> {
  readonly curr: number;
  readonly waiting: readonly number[];
}

export interface SavedScheduler {
  readonly groups: readonly (SavedGroup | null)[];
  readonly threads: readonly SavedThread[];
  readonly queues: readonly SavedRunQueue[];
  readonly isBalancing: boolean;
}

/** What is saved. */
export interface Live {
  readonly groups: TaskGroups;
  readonly threads: readonly Thread[];
  readonly queues: readonly RunQueue[];
}

const NONE = -1;

function fields<T, K extends keyof T>(of: T, keys: readonly K[]): Pick<T, K> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) picked[key] = of[key];
  return picked as Pick<T, K>;
}

export const saveScheduler = (
  { groups, threads, queues }: Live,
  isBalancing: boolean,
): SavedScheduler => ({
  groups: groups.all.map((group) => (group === null ? null : saveGroup(group))),
  threads: threads.map((thread) => ({
    ...fields(thread, THREAD),
    group: thread.group.id,
    allowed: thread.allowed.slice(),
    entity: fields(thread.entity, ENTITY),
  })),
  queues: queues.map((rq) => ({
    ...fields(rq, RUN_QUEUE),
    curr: rq.curr?.thread ?? NONE,
    waiting: rq.waiting.all.map(({ thread }) => thread),
  })),
  isBalancing,
});

const saveGroup = (group: TaskGroup): SavedGroup => ({
  ...fields(group, ["shares", "isIdle", "load"]),
  parent: group.parent?.id ?? NONE,
  counted: [...group.counted],
  pool: { ...group.pool },
  queues: group.queues.map((queue) => ({
    ...fields(queue, QUEUE),
    next: queue.next?.id ?? NONE,
    owner: queue.owner === null ? null : fields(queue.owner, ENTITY),
  })),
});

/** Threads that are not known to the saved state are over. */
export function loadScheduler({ groups, threads, queues }: Live, saved: SavedScheduler): void {
  groups.restore(saved.groups.map((group) => (group === null ? null : group.parent)));
  const entities = new Map<number, Entity>();
  for (const [id, group] of saved.groups.entries())
    if (group !== null) loadGroup(groups.of(id), group, entities);
  for (const thread of threads) {
    const kept = saved.threads[thread.number];
    if (kept === undefined) thread.state = "over";
    else loadThread(thread, kept, groups);
    entities.set(thread.entity.id, thread.entity);
  }
  for (const rq of queues) rq.waiting.clear();
  for (const rq of queues) {
    const kept = saved.queues[rq.number];
    if (kept !== undefined) loadRunQueue(rq, kept, threads);
  }
  for (const [id, group] of saved.groups.entries())
    group?.queues.forEach(({ next }, cpu) => {
      const queue = groups.of(id).queues[cpu];
      if (queue !== undefined) queue.next = entities.get(next) ?? null;
    });
  for (const entity of entities.values())
    if (entity.isQueued && entity.queue.curr !== entity) insert(entity.queue, entity);
}

function loadGroup(group: TaskGroup, saved: SavedGroup, entities: Map<number, Entity>): void {
  Object.assign(group, fields(saved, ["shares", "isIdle", "load"]));
  group.pool = { ...saved.pool };
  saved.counted.forEach((load, cpu) => (group.counted[cpu] = load));
  for (const queue of group.queues) {
    const kept = saved.queues[queue.rq.number];
    if (kept === undefined) continue;
    Object.assign(queue, fields(kept, QUEUE));
    queue.root = null;
    queue.curr = null;
    if (queue.owner === null) continue;
    Object.assign(queue.owner, kept.owner);
    entities.set(queue.owner.id, queue.owner);
  }
}

function loadThread(thread: Thread, saved: SavedThread, groups: TaskGroups): void {
  Object.assign(thread, fields(saved, THREAD));
  Object.assign(thread.entity, saved.entity);
  thread.allowed.set(saved.allowed);
  thread.placeOn(saved.cpu, groups.of(saved.group));
}

function loadRunQueue(rq: RunQueue, saved: SavedRunQueue, threads: readonly Thread[]): void {
  Object.assign(rq, fields(saved, RUN_QUEUE));
  rq.curr = threads[saved.curr]?.entity ?? null;
  for (let at = rq.curr; at !== null; at = at.queue.owner) at.queue.curr = at;
  for (const number of saved.waiting) {
    const thread = threads[number];
    if (thread !== undefined) rq.waiting.add(thread.entity);
  }
}
