/**
 * A world: components with registered state, runners with clocks, one event queue, named random streams, a trace,
 * and one deterministic order in which all of it happens. Set-up, seed and recorded inputs determine the run.
 *
 * A run is a sequence of decisions: dispatch an event, take an input, or let a runner run for a slice. The time of a
 * decision is the least of the next event's time and the clock of the runner furthest behind; it never goes back. To
 * be at time t means: every decision before t has been taken, none at t or later. Where a caller pauses has no
 * influence on the decisions.
 */

import { assert, InputError, ReplayError } from "./assert.ts";
import {
  type Blueprint,
  type Component,
  DEFAULT_SETUP,
  type Setup,
  type WorldObserver,
  type WorldSnapshot,
} from "./blueprint.ts";
import { Components, faultPayload } from "./components.ts";
import { hashPlain, type Json, type Plain } from "./data.ts";
import { Epochs } from "./epochs.ts";
import { EventQueue, type QueueEntry } from "./event-queue.ts";
import type { Fault, FaultPlan } from "./faults.ts";
import { Hasher } from "./hash.ts";
import { InputLog, type StampedInput } from "./inputs.ts";
import { type Mutant, mutantCalled, standardMutants } from "./mutants.ts";
import { type MemoryImage, MemoryPool, type PagedMemory } from "./paged-memory.ts";
import { type RandomStream, RandomStreams } from "./random.ts";
import { type Runner, Schedule } from "./schedule.ts";
import { type RegistrySnapshot, SnapshotRegistry } from "./snapshot.ts";
import { assertCycles, type Cycles, NEVER } from "./time.ts";
import { Timeline, type TimelineOptions } from "./timeline.ts";
import { eventType, Trace } from "./trace.ts";

const DISPATCH = eventType("world.dispatch", { target: "text", kind: "text", sequence: "number" });
const INPUT = eventType("world.input", { target: "text", kind: "text", payload: "text" });
const FAULT = eventType("world.fault", { target: "text", kind: "text" });
const SLICE = eventType("world.slice", { runner: "text", until: "cycles" });

const WORLD = "world";
/** An input was never in the queue. */
const NO_HANDLE = -1;

/** The part of a world's own state that is in nobody else's care. */
interface SavedCore {
  readonly now: Cycles;
  readonly lastDecision: Cycles;
  readonly steps: number;
  readonly inputCursor: number;
}

export class World {
  readonly blueprint: Blueprint;
  readonly setup: Setup;
  readonly registry = new SnapshotRegistry();
  readonly trace: Trace;
  readonly #queue = new EventQueue();
  readonly #streams: RandomStreams;
  readonly #schedule: Schedule;
  readonly #components = new Components();
  readonly #memories = new Map<string, PagedMemory>();
  readonly #pool: MemoryPool;
  readonly #inputs = new InputLog();
  readonly #epochs: Epochs;
  #birth: ReadonlyMap<string, MemoryImage> | null;
  #timeline: Timeline | null = null;
  #observer: WorldObserver | null = null;

  #now: Cycles = 0;
  /** The time of the last decision; `#now` is later after a pause. */
  #lastDecision: Cycles = -1;
  #steps = 0;

  private constructor(
    blueprint: Blueprint,
    setup: Setup,
    pool: MemoryPool,
    birth: WorldSnapshot | null,
  ) {
    this.blueprint = blueprint;
    this.setup = setup;
    this.#pool = pool;
    this.#epochs = new Epochs(setup.epochCycles);
    this.trace = new Trace(setup.epochCycles > 0);
    this.#streams = new RandomStreams(setup.seed);
    this.#schedule = new Schedule(setup.schedule, setup.sliceCycles);
    this.#birth = birth === null ? null : imagesByName(birth.registry);
    this.#registerOwnState();
    blueprint.build(this, setup.config);
    this.#birth = null;
  }

  /** A new world at time 0. Throws InputError when the fault plan does not fit the components. */
  static create<C extends Json>(
    blueprint: Blueprint<C>,
    setup: Partial<Setup<C>> & { readonly config: C },
    pool = new MemoryPool(),
  ): World {
    const whole: Setup<C> = { ...DEFAULT_SETUP, mutants: standardMutants(), ...setup };
    whole.mutants.forEach(mutantCalled);
    const world = new World(blueprint, whole, pool, null);
    world.#postFaults(whole.faults);
    blueprint.start(world, whole.config);
    return world;
  }

  // Building: used by blueprints.

  add(component: Component): void {
    this.#components.add(component);
  }

  addRunner(runner: Runner): void {
    this.#schedule.add(runner);
  }

  /** A registered memory of zeros; see PagedMemory for the sizes. */
  memory(name: string, sizeBytes: number, engineBytes = 0): PagedMemory {
    const memory = this.#pool.take(sizeBytes, engineBytes, this.#birth?.get(name) ?? null);
    this.#memories.set(name, memory);
    this.registry.memory(name, memory);
    return memory;
  }

  /** The memory registered under `name`. */
  memoryOf(name: string): PagedMemory {
    const memory = this.#memories.get(name);
    assert(memory !== undefined, `a memory is called ${name}`);
    return memory;
  }

  /** The bytes of an image that the set-up gives. */
  image(name: string): Uint8Array {
    const bytes = this.setup.images[name];
    if (bytes === undefined) throw new InputError(`image ${name}: not given`);
    return bytes;
  }

  /** Whether the world has this bug: to be asked while it is built. */
  carries({ id }: Mutant): boolean {
    return this.setup.mutants.includes(id);
  }

  // Acting: used by components.

  /** Virtual time: of the event in hand, of the runner that runs, or at which the run was paused. */
  get now(): Cycles {
    return this.#schedule.isRunning ? this.#schedule.runningClock : this.#now;
  }

  random(name: string): RandomStream {
    return this.#streams.stream(name);
  }

  /** Posts an event at `time`, not before now, and returns its handle. */
  post(time: Cycles, target: string, kind: string, payload: Plain = null): number {
    this.#assertFuture(time);
    this.#schedule.endSliceBy(time);
    return this.#queue.post(time, target, kind, payload);
  }

  /** Posts an event `delay` cycles from now. */
  postIn(delay: Cycles, target: string, kind: string, payload: Plain = null): number {
    return this.post(this.now + delay, target, kind, payload);
  }

  /** False when the event is no longer in the queue. */
  cancel(handle: number): boolean {
    return this.#queue.cancel(handle);
  }

  /** Moves an event; returns its new handle, or null when it is no longer in the queue. */
  reschedule(handle: number, time: Cycles): number | null {
    this.#assertFuture(time);
    this.#schedule.endSliceBy(time);
    return this.#queue.reschedule(handle, time);
  }

  /** A parked runner goes on from now; no effect on one that runs. */
  wake(runner: string): void {
    this.#schedule.wake(this.#schedule.indexOf(runner), this.now);
  }

  // Running: used from outside.

  /** Decisions taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** How many events are waiting. */
  get pending(): number {
    return this.#queue.size;
  }

  /** The waiting events in their order. */
  pendingEvents(): QueueEntry[] {
    return this.#queue.entries();
  }

  /** When the next decision is due; NEVER when the world waits for an input. */
  get nextTime(): Cycles {
    if (this.#schedule.isRunning) return this.#now;
    return Math.min(
      this.#queue.nextTime,
      this.#schedule.furthestBehind,
      this.#inputs.nextTime(this.#steps),
    );
  }

  /** Goes on until time `time`. */
  runUntil(time: Cycles): void {
    assertCycles(time, "the end of a run");
    if (this.#schedule.isRunning) this.#schedule.continueSlice();
    this.#decideUntil(time);
    if (time > this.#now) this.#now = time;
  }

  /** Takes one decision, or finishes the slice in progress. False when there is none to take. */
  step(): boolean {
    if (this.#schedule.isRunning) {
      this.#schedule.continueSlice();
      return true;
    }
    if (this.nextTime === NEVER) return false;
    this.#decideUntil(this.nextTime + 1, this.#steps + 1);
    return true;
  }

  /** Goes on until `runner`'s clock has reached `clock`, if need be into the middle of a slice. */
  runInto(runner: string, clock: Cycles): void {
    const schedule = this.#schedule;
    const index = schedule.indexOf(runner);
    while (schedule.clock(index) < clock && this.nextTime < NEVER) {
      if (schedule.isRunning) schedule.continueSlice(index, clock);
      else if (this.nextTime < clock)
        this.#decideUntil(this.nextTime + 1, this.#steps + 1, index, clock);
      else return;
    }
  }

  clockOf(runner: string): Cycles {
    return this.#schedule.clock(this.#schedule.indexOf(runner));
  }

  isParked(runner: string): boolean {
    return this.#schedule.isParked(this.#schedule.indexOf(runner));
  }

  /**
   * An input from outside, taken at once at the present moment. After going back in time it makes the run take
   * another way: what had been known of the future is forgotten, and a run that is being recorded refuses it.
   * Throws InputError, also when no component takes the input.
   */
  input(target: string, kind: string, payload: Json = null): void {
    this.#components.checkInput(target, kind);
    if (this.#schedule.isRunning) this.runUntil(this.#now);
    this.#forgetFuture();
    const input = { step: this.#steps, time: this.#now, target, kind, payload };
    this.#inputs.append(input);
    this.#observer?.input?.(input);
    this.#takeInput();
  }

  /** The inputs of the run, also those still to come in a replay. */
  get inputs(): readonly StampedInput[] {
    return this.#inputs.all;
  }

  /** Puts recorded inputs in store for a run that has had none. Throws InputError when one has no taker. */
  supplyInputs(inputs: readonly StampedInput[]): void {
    assert(
      this.#inputs.all.length === 0,
      "recorded inputs are supplied to a run that has had none",
    );
    for (const input of inputs) {
      this.#components.checkInput(input.target, input.kind);
      this.#inputs.append(input);
    }
  }

  observe(observer: WorldObserver | null): void {
    this.#observer = observer;
  }

  // Moments.

  /** A digest of all state and of all events so far, 32 hexadecimal digits. */
  digest(): string {
    const hasher = new Hasher();
    this.registry.digest(hasher);
    return hasher.hex();
  }

  /** The rolling digests so far: entry i is of time (i + 1) * epochCycles. */
  get epochDigests(): readonly string[] {
    return this.#epochs.passed;
  }

  snapshot(): WorldSnapshot {
    const registry = this.registry.save();
    const time = Math.max(this.#now, this.#lastDecision + 1);
    const memoryImages = [...imagesByName(registry).values()];
    return { time, now: this.#now, steps: this.#steps, registry, memoryImages };
  }

  restore(snapshot: WorldSnapshot): void {
    this.registry.load(snapshot.registry);
  }

  /** An independent world that goes on from here exactly as this one would. Give it back with `release`. */
  fork(): World {
    const snapshot = this.snapshot();
    const fork = new World(this.blueprint, this.setup, this.#pool, snapshot);
    fork.#inputs.copyFrom(this.#inputs);
    fork.#epochs.copyFrom(this.#epochs);
    fork.restore(snapshot);
    return fork;
  }

  /** Ends the world; its memories serve the next fork. It must not be used any more. */
  release(): void {
    for (const memory of this.#memories.values()) this.#pool.give(memory);
    this.#memories.clear();
  }

  /** Keeps snapshots from here on, so that `seek` can go back to any later time. */
  keepTimeline(options: TimelineOptions): void {
    this.#timeline = new Timeline(options);
    this.#timeline.add(this.snapshot());
  }

  get timeline(): Timeline | null {
    return this.#timeline;
  }

  /** Goes to time `time`, forwards or backwards. Throws InputError when it lies before the timeline. */
  seek(time: Cycles): void {
    assertCycles(time, "the moment sought");
    const snapshot = this.#timeline?.before(time);
    const isBack = time < this.#now || time <= this.#lastDecision;
    if (isBack && snapshot === undefined) {
      throw new InputError(`time ${time}: no snapshot lies before it`);
    }
    // Forwards, too, what has been run before need not be run again.
    if (snapshot !== undefined && (isBack || snapshot.time > this.#now)) this.restore(snapshot);
    this.runUntil(time);
  }

  // Inside.

  #assertFuture(time: Cycles): void {
    assert(time >= this.now, "an event lies in the future");
    assertCycles(time, "when an event happens");
  }

  #decideUntil(
    end: Cycles,
    endStep = Number.POSITIVE_INFINITY,
    pauseIn?: number,
    pauseAt?: Cycles,
  ): void {
    const queue = this.#queue;
    const schedule = this.#schedule;
    while (this.#steps < endStep) {
      const eventTime = queue.nextTime;
      const runnerTime = schedule.furthestBehind;
      const inputTime = this.#inputs.nextTime(this.#steps);
      let time = eventTime < runnerTime ? eventTime : runnerTime;
      if (inputTime !== NEVER) {
        if (inputTime < this.#now || inputTime > time) {
          throw new ReplayError(`the input recorded for time ${inputTime} does not fit the run`);
        }
        time = inputTime;
      }
      this.#passMarks(time < end ? time : end);
      if (time >= end) return;
      this.#now = time;
      this.#lastDecision = time;
      if (inputTime !== NEVER) this.#takeInput();
      else if (eventTime <= runnerTime) this.#dispatch();
      else this.#startSlice(eventTime, pauseIn, pauseAt);
    }
  }

  /** Takes the digests and snapshots that are due when time goes on to `time`, in their order. */
  #passMarks(time: Cycles): void {
    const timeline = this.#timeline;
    for (;;) {
      const epochTime = this.#epochs.nextTime;
      const snapshotTime = timeline === null ? NEVER : timeline.nextTime;
      if (epochTime > time && snapshotTime > time) return;
      if (epochTime <= snapshotTime) {
        const epoch = this.#epochs.pass((hasher) => this.registry.digest(hasher));
        if (epoch !== null) this.#observer?.epoch?.(epoch);
      } else {
        this.#now = Math.max(this.#now, snapshotTime);
        timeline?.add(this.snapshot());
      }
    }
  }

  #dispatch(): void {
    const event = this.#queue.take();
    this.#steps += 1;
    if (event.target === WORLD) {
      this.#suffer(event.payload as unknown as Fault);
      return;
    }
    this.trace.emit(DISPATCH, this.#now, WORLD, event);
    this.#components.dispatch(event);
  }

  #startSlice(eventTime: Cycles, pauseIn?: number, pauseAt?: Cycles): void {
    const { runner, from, until } = this.#schedule.startSlice(eventTime);
    this.#steps += 1;
    this.trace.emit(SLICE, from, WORLD, { runner, until });
    this.#schedule.continueSlice(pauseIn, pauseAt);
  }

  #takeInput(): void {
    const input = this.#inputs.take();
    const { target, kind } = input;
    this.#steps += 1;
    this.#lastDecision = this.#now;
    this.trace.emit(INPUT, this.#now, WORLD, {
      target,
      kind,
      payload: JSON.stringify(input.payload),
    });
    this.#components.dispatch({ ...input, time: this.#now, sequence: NO_HANDLE });
  }

  #suffer({ target, kind, detail }: Fault): void {
    this.trace.emit(FAULT, this.#now, WORLD, { target, kind });
    this.#components.suffer(target, kind, detail);
  }

  #postFaults(faults: FaultPlan): void {
    this.#components.checkFaults(faults);
    for (const fault of faults) this.#queue.post(fault.time, WORLD, "fault", faultPayload(fault));
  }

  /** The run takes another way from here. */
  #forgetFuture(): void {
    const isBack = this.#inputs.hasFuture || this.#epochs.hasFuture || this.trace.hasFuture;
    if (isBack && this.#observer !== null) {
      throw new InputError(
        "input: the run is being recorded and has gone back in time; fork it first",
      );
    }
    this.#inputs.truncate();
    this.#epochs.truncate();
    this.trace.truncate();
    this.#timeline?.truncate(this.#now, this.#steps);
  }

  #registerOwnState(): void {
    this.registry.keeper("world.queue", this.#queue);
    this.registry.keeper("world.random", this.#streams);
    this.registry.keeper("world.schedule", this.#schedule);
    this.registry.keeper("world.epochs", this.#epochs);
    this.registry.keeper("world.trace", this.trace);
    this.registry.keeper<SavedCore>("world.core", {
      save: () => this.#saveCore(),
      load: (saved) => this.#loadCore(saved),
      // The moment of a pause is no part of the run.
      digest: (hasher) => hashPlain(hasher, { ...this.#saveCore(), now: 0 }),
    });
  }

  #saveCore(): SavedCore {
    return {
      now: this.#now,
      lastDecision: this.#lastDecision,
      steps: this.#steps,
      inputCursor: this.#inputs.cursor,
    };
  }

  #loadCore(saved: SavedCore): void {
    this.#now = saved.now;
    this.#lastDecision = saved.lastDecision;
    this.#steps = saved.steps;
    this.#inputs.cursor = saved.inputCursor;
  }
}

function imagesByName(snapshot: RegistrySnapshot): Map<string, MemoryImage> {
  const images = new Map<string, MemoryImage>();
  snapshot.saved.forEach((saved, i) => {
    if (typeof saved === "object" && saved !== null && "chunks" in saved) {
      images.set(snapshot.names[i] as string, saved as MemoryImage);
    }
  });
  return images;
}
