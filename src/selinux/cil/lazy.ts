/** Values that are computed when they are first asked for, so that statements may stand in any order. */

import type { Form } from "./forms.ts";
import type { Place, Source } from "./source.ts";

/** How deep definitions may lead to definitions. */
const DEPTH_MAX = 500;

/** How many definitions are being computed. */
export interface Depth {
  now: number;
}

export class Lazy<T> {
  readonly #source: Source;
  readonly #depth: Depth;
  readonly #place: Place;
  readonly #compute: () => T;
  #state: "new" | "open" | "done" = "new";
  #value: T | null = null;

  /** `place` is that of the definition, for errors. */
  constructor(source: Source, depth: Depth, place: Form, compute: () => T) {
    this.#source = source;
    this.#depth = depth;
    this.#place = place;
    this.#compute = compute;
  }

  get value(): T {
    if (this.#state === "done") return this.#value as T;
    if (this.#state === "open") {
      this.#source.fail(this.#place, "expected a definition that does not lead to itself");
    }
    if (this.#depth.now >= DEPTH_MAX) {
      this.#source.fail(this.#place, `expected definitions that nest at most ${DEPTH_MAX} deep`);
    }
    this.#state = "open";
    this.#depth.now += 1;
    this.#value = this.#compute();
    this.#depth.now -= 1;
    this.#state = "done";
    return this.#value;
  }
}
