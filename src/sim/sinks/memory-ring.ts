/** A trace sink that keeps the last events in memory. */

import type { TraceEvent, TraceSink } from "../trace.ts";

export class MemoryRing implements TraceSink {
  readonly #capacity: number;
  readonly #events: TraceEvent[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  event(event: TraceEvent): void {
    this.#events[this.#next] = event;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Oldest first. */
  events(): TraceEvent[] {
    if (this.#events.length < this.#capacity) return [...this.#events];
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)];
  }
}
