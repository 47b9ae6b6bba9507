/** What a world is made from: blueprint, set-up, components; and what it shows of itself: snapshots, observers. */

import type { Json, Plain } from "./data.ts";
import type { EpochDigest } from "./epochs.ts";
import type { QueueEntry } from "./event-queue.ts";
import type { FaultPlan } from "./faults.ts";
import type { StampedInput } from "./inputs.ts";
import type { MemoryImage } from "./paged-memory.ts";
import type { SchedulePlan } from "./schedule.ts";
import type { RegistrySnapshot } from "./snapshot.ts";
import type { Cycles } from "./time.ts";
import type { World } from "./world.ts";

export type Handler = (payload: Plain, event: QueueEntry) => void;

/** A named part of a world. Its state is in the registry; handlers find it there. */
export interface Component {
  readonly name: string;
  /** By kind of event; inputs arrive here, too. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** By kind of fault. */
  readonly faults?: Readonly<Record<string, (detail: Json | undefined) => void>>;
}

/** A kind of world. */
export interface Blueprint<C extends Json = Json> {
  readonly name: string;
  /** Grows whenever the same set-up would give another run; recordings of another version are refused. */
  readonly version: number;
  /** Checks a configuration from outside; throws InputError with the place and what was expected. */
  parse(config: Json): C;
  /** Names of the images that a configuration asks for. */
  images(config: C): readonly string[];
  /** Makes components, runners and memories, and registers their state. Must give the same registry each time. */
  build(world: World, config: C): void;
  /** Writes what memories hold at power-on and posts the first events. Not called for a fork. */
  start(world: World, config: C): void;
}

/** All that determines a run but for its inputs. Everything but the images' bytes is JSON. */
export interface Setup<C extends Json = Json> {
  readonly config: C;
  readonly seed: string;
  /** Distance of the digests along the run; 0 for none. */
  readonly epochCycles: Cycles;
  /** How long a runner runs at most before another one gets its turn. */
  readonly sliceCycles: Cycles;
  readonly schedule: SchedulePlan | null;
  readonly faults: FaultPlan;
  /** Real bugs that the world has: see mutants.ts. */
  readonly mutants: readonly string[];
  readonly images: Readonly<Record<string, Uint8Array>>;
}

export const DEFAULT_SETUP = {
  seed: "0",
  epochCycles: 1_000_000,
  sliceCycles: 10_000,
  schedule: null,
  faults: [],
  mutants: [],
  images: {},
} as const satisfies Omit<Setup, "config">;

/** The state of a world at one moment. Never changes; can be restored any number of times. */
export interface WorldSnapshot {
  /** The earliest time that the run can be continued to from here. */
  readonly time: Cycles;
  /** The time that the world was at, and the decisions that it had taken. */
  readonly now: Cycles;
  readonly steps: number;
  readonly registry: RegistrySnapshot;
  readonly memoryImages: readonly MemoryImage[];
}

/** Told of what a recording keeps; never told twice of the same, also when parts of a run are executed again. */
export interface WorldObserver {
  input?(input: StampedInput): void;
  epoch?(epoch: EpochDigest): void;
}
