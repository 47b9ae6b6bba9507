/** Threads of a CPU that can run and do not, those first that came first: Linux, kernel/sched/sched.h, cfs_tasks. */

import type { Entity } from "./entity.ts";

export class WaitingList {
  #first: Entity | null = null;
  #last: Entity | null = null;

  /** The next is its `after`, to be read before it is removed. */
  get first(): Entity | null {
    return this.#first;
  }

  /** No effect on one that is there. */
  add(entity: Entity): void {
    if (entity.isWaiting) return;
    entity.isWaiting = true;
    entity.after = null;
    entity.before = this.#last;
    if (this.#last === null) this.#first = entity;
    else this.#last.after = entity;
    this.#last = entity;
  }

  /** No effect on one that is not there. */
  delete(entity: Entity): void {
    if (!entity.isWaiting) return;
    const { before, after } = entity;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    entity.isWaiting = false;
    entity.before = null;
    entity.after = null;
  }

  /** In their order. */
  get all(): readonly Entity[] {
    const found: Entity[] = [];
    for (let at = this.#first; at !== null; at = at.after) found.push(at);
    return found;
  }

  clear(): void {
    for (const entity of this.all) this.delete(entity);
  }
}
