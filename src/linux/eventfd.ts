/** A counter that tasks and the kernel signal each other with: Linux, eventfd(2). */

import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";
import type { OpenFile } from "./kernel.ts";

interface EventfdState {
  count: bigint;
}

/** The most that the counter holds. */
const MOST = 2n ** 64n - 2n;

export class Eventfd implements OpenFile {
  readonly #cell: Cell<EventfdState>;
  readonly #waiters = new Set<() => void>();

  /** `name` is that of its state. */
  constructor(world: World, name: string) {
    this.#cell = world.registry.plain<EventfdState>(name, { count: 0n });
  }

  /** `wake` is called at each signal, which it may take by `read`. */
  watch(wake: () => void): void {
    this.#waiters.add(wake);
  }

  unwatch(wake: () => void): void {
    this.#waiters.delete(wake);
  }

  /** Adds one. */
  signal(): void {
    const state = this.#cell.value;
    if (state.count < MOST) state.count += 1n;
    for (const wake of this.#waiters) wake();
  }

  get isReadable(): boolean {
    return this.#cell.value.count > 0n;
  }

  /** What was counted since it was read last; 0 where read(2) waits. */
  read(): bigint {
    const { count } = this.#cell.value;
    this.#cell.value.count = 0n;
    return count;
  }

  release(): void {
    this.#waiters.clear();
  }
}
