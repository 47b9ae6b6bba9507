/**
 * The locks of a VM's memory, and their order: Linux, Documentation/virt/kvm/locking.rst. slots_lock is taken outside
 * mmu_lock, and mmu notifiers take mmu_lock only, within which nobody asks for the task's memory, since that may call
 * them. Translations are flushed before mmu_lock is released, and frames put only then.
 *
 * Nothing of this is state: whoever takes a lock gives it back before the simulation goes on. kvm->lock, irq_lock and
 * SRCU are not modelled.
 */

import { assert } from "../../sim/assert.ts";

/** Who compares tables with what they should be. */
export interface TableCheck {
  /** At each release of mmu_lock and each VM exit. */
  compare(): void;
  /** The next comparison relies on none before it. */
  compareAnew(): void;
  /** The tables are no more. */
  end(): void;
}

export interface LockParts {
  /** No CPU uses older translations any more when it returns. */
  readonly flush: () => void;
  readonly put: (frame: number) => void;
}

export class MmuLocks {
  check: TableCheck | null = null;
  readonly #parts: LockParts;
  #hasSlots = false;
  #hasMmu = false;
  #owesFlush = false;
  /** Frames of tables that were taken out. */
  #unused: number[] = [];

  constructor(parts: LockParts) {
    this.#parts = parts;
  }

  /** slots_lock: what is done under it changes slots or their bitmaps. */
  withSlots<T>(work: () => T): T {
    assert(!this.#hasMmu, "slots_lock is taken outside mmu_lock");
    assert(!this.#hasSlots, "slots_lock is not taken twice");
    this.#hasSlots = true;
    const result = work();
    this.#hasSlots = false;
    this.compareAnew();
    this.compare();
    return result;
  }

  /** mmu_lock: what is done under it changes tables. */
  withMmu<T>(work: () => T): T {
    assert(!this.#hasMmu, "mmu_lock is not taken twice");
    this.#hasMmu = true;
    const result = work();
    assert(!this.#owesFlush, "translations are flushed before mmu_lock is released");
    this.#hasMmu = false;
    this.compare();
    for (const frame of this.#unused.splice(0)) this.#parts.put(frame);
    return result;
  }

  /** Before an entry is written; `loses`: it had what it has no more, and CPUs may still use that. */
  writes(loses: boolean): void {
    assert(this.#hasMmu, "tables are changed under mmu_lock");
    this.#owesFlush ||= loses;
  }

  /** Before the task's memory is asked for a frame, or written. */
  mayFault(): void {
    assert(!this.#hasMmu, "the task's memory is not asked for under mmu_lock");
  }

  /** If translations have been lost. */
  flush(): void {
    if (this.#owesFlush) this.#parts.flush();
    this.#owesFlush = false;
  }

  /** To be put when nobody uses it any more. */
  giveUp(table: number): void {
    assert(this.#hasMmu, "tables are given up under mmu_lock");
    this.#unused.push(table);
  }

  /** What is around the tables changes: the next comparison is of all of them. */
  compareAnew(): void {
    this.check?.compareAnew();
  }

  /** Unless the tables are being changed. */
  compare(): void {
    if (!this.#hasMmu) this.check?.compare();
  }
}
