/** Runs a recording again. The world made is the recorded one: same set-up, same seed, same inputs at their places. */

import { InputError } from "./assert.ts";
import type { Blueprint } from "./blueprint.ts";
import type { MemoryPool } from "./paged-memory.ts";
import type { ImageNeed, Recording } from "./recording.ts";
import { World } from "./world.ts";

/** An image as it is at hand now. */
export interface ImageAtHand extends ImageNeed {
  readonly bytes: Uint8Array;
}

/** What a replay showed: null, or the first epoch (or the end) at which it left the recording. */
export interface ReplayFailure {
  /** Index of the first epoch that differs; one more than the last when only the end does. */
  readonly epoch: number;
  readonly expected: string;
  readonly found: string;
}

/** The world of a recording at time 0. Throws InputError when blueprint or images are not the ones recorded. */
export function replayWorld(
  recording: Recording,
  blueprint: Blueprint,
  images: readonly ImageAtHand[],
  pool?: MemoryPool,
): World {
  const { world, setup, images: needs } = recording.header;
  if (world.name !== blueprint.name) {
    throw new InputError(`the recording is of a world ${world.name}, not ${blueprint.name}`);
  }
  if (world.version !== blueprint.version) {
    throw new InputError(
      `the recording is of version ${world.version} of ${world.name}; this program has version ${blueprint.version}`,
    );
  }
  const bytes: Record<string, Uint8Array> = {};
  for (const need of needs) bytes[need.name] = imageFor(need, images);
  const config = blueprint.parse(setup.config);
  const replay = World.create(blueprint, { ...setup, config, images: bytes }, pool);
  replay.supplyInputs(recording.inputs);
  return replay;
}

function imageFor(need: ImageNeed, images: readonly ImageAtHand[]): Uint8Array {
  const image = images.find(({ name }) => name === need.name);
  if (image === undefined) {
    throw new InputError(
      `image ${need.name}: not given; the recording needs it (SHA-256 ${need.sha256})`,
    );
  }
  if (image.sha256 !== need.sha256) {
    throw new InputError(
      `image ${need.name}: SHA-256 is ${image.sha256}; the recording needs ${need.sha256}`,
    );
  }
  return image.bytes;
}

/**
 * Takes a replay to the end of its recording; also past inputs that came at the very last moment, but never beyond
 * its time. Throws ReplayError when a recorded input does not fit.
 */
export function runReplay({ end }: Recording, world: World): void {
  world.runUntil(end.time);
  while (world.steps < end.steps && world.nextTime <= end.time) world.step();
}

/** Compares a replay that has reached the end of its recording with it. */
export function verifyReplay(recording: Recording, world: World): ReplayFailure | null {
  const found = world.epochDigests;
  for (const [i, expected] of recording.epochs.entries()) {
    if (found[i] !== expected) return { epoch: i + 1, expected, found: found[i] ?? "none" };
  }
  const digest = world.digest();
  if (digest === recording.end.digest && world.steps === recording.end.steps) return null;
  return { epoch: recording.epochs.length + 1, expected: recording.end.digest, found: digest };
}
