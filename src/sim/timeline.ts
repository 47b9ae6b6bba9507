/**
 * Snapshots along a run, for seeking backwards. They lie at equal distances; when there are too many, or they hold
 * too many bytes, every second one is dropped and the distance doubles. So the cost of a seek is bounded by a share
 * of the run and the memory by a constant.
 */

import { assert } from "./assert.ts";
import type { WorldSnapshot } from "./blueprint.ts";
import type { Cycles } from "./time.ts";

export interface TimelineOptions {
  /** Distance of the first snapshots. */
  readonly everyCycles: Cycles;
  /** At least 2. */
  readonly maxSnapshots: number;
  /** For the pages of memory that snapshots hold; the newest two are kept in any case. */
  readonly maxBytes: number;
}

export const DEFAULT_TIMELINE: TimelineOptions = {
  everyCycles: 1_000_000,
  maxSnapshots: 64,
  maxBytes: 1 << 30,
};

const PAGE_SIZE = 4096;

export class Timeline {
  readonly #options: TimelineOptions;
  #everyCycles: Cycles;
  /** In order of time; the first is the start of the run. */
  #snapshots: WorldSnapshot[] = [];

  constructor(options: TimelineOptions) {
    assert(options.everyCycles >= 1, "snapshots lie at least one cycle apart");
    assert(options.maxSnapshots >= 2, "a timeline has room for two snapshots");
    this.#options = options;
    this.#everyCycles = options.everyCycles;
  }

  get length(): number {
    return this.#snapshots.length;
  }

  /** When the next snapshot is due. */
  get nextTime(): Cycles {
    const last = this.#snapshots.at(-1);
    return last === undefined ? 0 : last.time + this.#everyCycles;
  }

  add(snapshot: WorldSnapshot): void {
    this.#snapshots.push(snapshot);
    while (this.#isOverfull()) {
      this.#snapshots = this.#snapshots.filter((_, i) => i % 2 === 0);
      this.#everyCycles *= 2;
    }
  }

  /** The last snapshot not after `time`. */
  before(time: Cycles): WorldSnapshot | undefined {
    return this.#snapshots.findLast((snapshot) => snapshot.time <= time);
  }

  /** Forgets what lies after time `now` or after `steps` decisions: the run takes another way from there. */
  truncate(now: Cycles, steps: number): void {
    this.#snapshots = this.#snapshots.filter(
      (snapshot) => snapshot.now <= now && snapshot.steps <= steps,
    );
  }

  /** Bytes of distinct pages that the snapshots hold. */
  heldBytes(): number {
    const pages = new Set<unknown>();
    const chunks = new Set<unknown>();
    for (const snapshot of this.#snapshots) {
      for (const image of snapshot.memoryImages) {
        for (const chunk of image.chunks) {
          if (chunks.has(chunk)) continue;
          chunks.add(chunk);
          for (const page of chunk) pages.add(page);
        }
      }
    }
    return pages.size * PAGE_SIZE;
  }

  #isOverfull(): boolean {
    if (this.#snapshots.length <= 2) return false;
    return (
      this.#snapshots.length > this.#options.maxSnapshots ||
      this.heldBytes() > this.#options.maxBytes
    );
  }
}
