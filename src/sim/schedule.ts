/**
 * Which runner (a physical CPU) goes next. Undisturbed, the one that is furthest behind, so that clocks stay within a
 * slice of each other. A schedule plan disturbs that by PCT, probabilistic concurrency testing (Burckhardt, Kothari,
 * Musuvathi, Nagarakatte, ASPLOS 2010): random priorities, and change points at which the running one drops to the
 * lowest. Only runners within a window of the furthest behind compete, so time goes on for all.
 */

import { assert } from "./assert.ts";
import type { RandomStream } from "./random.ts";
import { type Cycles, NEVER } from "./time.ts";

export interface SchedulePlan {
  /** By position of the runner; the highest runs first. A runner without one has 0. */
  readonly priorities: readonly number[];
  /** Numbers of the scheduling decisions at which the runner chosen drops below all others. */
  readonly changePoints: readonly number[];
  /** How far a runner may run ahead of the furthest behind. */
  readonly windowCycles: Cycles;
}

/** Draws a plan for `runners` runners that makes a bug of `depth` ordering constraints likely within `decisions`. */
export function drawSchedulePlan(
  stream: RandomStream,
  runners: number,
  depth: number,
  decisions: number,
  windowCycles: Cycles,
): SchedulePlan {
  const priorities = Array.from({ length: runners }, (_, i) => i + 1);
  for (let i = runners - 1; i > 0; i -= 1) {
    const k = stream.below(i + 1);
    [priorities[i], priorities[k]] = [priorities[k] as number, priorities[i] as number];
  }
  const changePoints = Array.from({ length: Math.max(0, depth - 1) }, () =>
    stream.below(decisions),
  );
  return { priorities, changePoints: changePoints.sort((a, b) => a - b), windowCycles };
}

/** A physical CPU, or whatever else has a clock of its own. Its state is registered like all state. */
export interface Runner {
  readonly name: string;
  /**
   * Runs until `slice.clock` reaches `slice.limit`, or parks. It sets the clock as it goes, and reads the limit again
   * after each thing that may have posted an event.
   */
  run(slice: Slice): void;
}

/** What a runner sees of the world while it runs. */
export interface Slice {
  clock: Cycles;
  readonly limit: Cycles;
  /** The runner has nothing to do until somebody wakes it. */
  park(): void;
}

export interface SavedSchedule {
  readonly clocks: readonly Cycles[];
  readonly parked: readonly boolean[];
  readonly decisions: number;
  readonly dropped: readonly number[];
  readonly running: number;
  readonly sliceEnd: Cycles;
}

const NO_RUNNER = -1;

/** The runners of a world with their clocks, and the slice in progress. */
export class Schedule {
  readonly #plan: SchedulePlan | null;
  readonly #sliceCycles: Cycles;
  readonly #slice: Slice;
  readonly #runners: Runner[] = [];
  readonly #clocks: Cycles[] = [];
  readonly #parked: boolean[] = [];
  #decisions = 0;
  /** Runners that a change point dropped, the earliest first. */
  #dropped: number[] = [];
  #furthestBehind: Cycles = NEVER;

  /** The runner whose slice is not over, and the end of that slice. */
  #running = NO_RUNNER;
  #sliceEnd: Cycles = 0;
  /** Where a caller wants the slice in progress to be paused; no part of the run. */
  #pauseAt: Cycles = NEVER;

  constructor(plan: SchedulePlan | null, sliceCycles: Cycles) {
    assert(Number.isSafeInteger(sliceCycles) && sliceCycles >= 1, "a slice has whole cycles");
    this.#plan = plan;
    this.#sliceCycles = sliceCycles;
    this.#slice = this.#makeSlice();
  }

  add(runner: Runner): number {
    this.#runners.push(runner);
    this.#clocks.push(0);
    this.#parked.push(false);
    this.#furthestBehind = 0;
    return this.#runners.length - 1;
  }

  indexOf(name: string): number {
    const index = this.#runners.findIndex((runner) => runner.name === name);
    assert(index >= 0, `${name} is a runner of this world`);
    return index;
  }

  clock(index: number): Cycles {
    return this.#clocks[index] as Cycles;
  }

  isParked(index: number): boolean {
    return this.#parked[index] as boolean;
  }

  wake(index: number, now: Cycles): void {
    if (this.#parked[index] === false) return;
    const clock = Math.max(now, this.clock(index));
    this.#parked[index] = false;
    this.#clocks[index] = clock;
    this.#furthestBehind = Math.min(this.#furthestBehind, clock);
  }

  /** The clock of the runner that is furthest behind, or NEVER when all are parked. */
  get furthestBehind(): Cycles {
    return this.#furthestBehind;
  }

  /** True while a slice is in progress. */
  get isRunning(): boolean {
    return this.#running !== NO_RUNNER;
  }

  get runningClock(): Cycles {
    return this.clock(this.#running);
  }

  /** A runner must not run past an event that it posts. */
  endSliceBy(time: Cycles): void {
    if (this.isRunning && time < this.#sliceEnd) this.#sliceEnd = time;
  }

  /** Chooses the next runner among those behind `horizon`, there being one, and begins its slice. */
  startSlice(horizon: Cycles): {
    readonly runner: string;
    readonly from: Cycles;
    readonly until: Cycles;
  } {
    const index = this.#choose(horizon);
    const from = this.clock(index);
    this.#running = index;
    this.#sliceEnd = Math.min(from + this.#sliceCycles, horizon);
    return { runner: (this.#runners[index] as Runner).name, from, until: this.#sliceEnd };
  }

  /** Goes on with the slice in progress, to its end or, when it is `pauseIn`'s, to `pauseAt`. */
  continueSlice(pauseIn = NO_RUNNER, pauseAt: Cycles = NEVER): void {
    const index = this.#running;
    this.#pauseAt = index === pauseIn ? pauseAt : NEVER;
    if (!this.isParked(index) && this.clock(index) < this.#slice.limit) {
      (this.#runners[index] as Runner).run(this.#slice);
    }
    if (this.isParked(index) || this.clock(index) >= this.#sliceEnd) {
      this.#running = NO_RUNNER;
      this.#refresh();
    } else {
      assert(this.clock(index) >= this.#pauseAt, "a runner runs until its limit or parks");
    }
  }

  save(): SavedSchedule {
    return {
      clocks: [...this.#clocks],
      parked: [...this.#parked],
      decisions: this.#decisions,
      dropped: [...this.#dropped],
      running: this.#running,
      sliceEnd: this.#sliceEnd,
    };
  }

  load(saved: SavedSchedule): void {
    saved.clocks.forEach((clock, i) => {
      this.#clocks[i] = clock;
      this.#parked[i] = saved.parked[i] as boolean;
    });
    this.#decisions = saved.decisions;
    this.#dropped = [...saved.dropped];
    this.#running = saved.running;
    this.#sliceEnd = saved.sliceEnd;
    this.#refresh();
  }

  #refresh(): void {
    let least = NEVER;
    for (let i = 0; i < this.#clocks.length; i += 1) {
      const clock = this.#clocks[i] as Cycles;
      if (this.#parked[i] === false && clock < least) least = clock;
    }
    this.#furthestBehind = least;
  }

  /** Counts as a scheduling decision. */
  #choose(horizon: Cycles): number {
    const decision = this.#decisions;
    this.#decisions = decision + 1;
    const chosen =
      this.#plan === null ? this.#firstBehind() : this.#byPriority(this.#plan, horizon);
    if (this.#plan?.changePoints.includes(decision) === true) {
      this.#dropped = [...this.#dropped.filter((index) => index !== chosen), chosen];
    }
    return chosen;
  }

  #makeSlice(): Slice {
    const clocks = this.#clocks;
    const runningIndex = (): number => this.#running;
    const limitNow = (): Cycles => Math.min(this.#sliceEnd, this.#pauseAt);
    const parkRunning = (): void => {
      this.#parked[this.#running] = true;
    };
    return {
      get clock() {
        return clocks[runningIndex()] as Cycles;
      },
      set clock(clock: Cycles) {
        assert(clock >= (clocks[runningIndex()] as Cycles), "a runner's clock never goes back");
        clocks[runningIndex()] = clock;
      },
      get limit() {
        return limitNow();
      },
      park: parkRunning,
    };
  }

  #firstBehind(): number {
    for (let i = 0; i < this.#clocks.length; i += 1) {
      if (this.#parked[i] === false && this.#clocks[i] === this.#furthestBehind) return i;
    }
    throw new RangeError("a runner is chosen only when one can run");
  }

  #byPriority(plan: SchedulePlan, horizon: Cycles): number {
    const end = Math.min(horizon, this.#furthestBehind + plan.windowCycles);
    let best = this.#firstBehind();
    for (let i = 0; i < this.#clocks.length; i += 1) {
      if (this.#parked[i] === true || (this.#clocks[i] as Cycles) >= end) continue;
      if (this.#priority(plan, i) > this.#priority(plan, best)) best = i;
    }
    return best;
  }

  /** Dropped runners rank below all others, the last dropped lowest. */
  #priority(plan: SchedulePlan, index: number): number {
    const drop = this.#dropped.indexOf(index);
    return drop < 0 ? (plan.priorities[index] ?? 0) : -1 - drop;
  }
}
