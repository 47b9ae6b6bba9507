/** Recordings as the commands take them: errors name the file, images are chosen by what the recording asks for. */

import {
  blueprintOf,
  type ImageAtHand,
  InputError,
  type Recording,
  replayWorld,
  type World,
} from "../api/index.ts";
import { readRecording, shippedImage } from "../api/node.ts";

export interface RecordingFile {
  readonly path: string;
  readonly recording: Recording;
}

export function openRecording(path: string): RecordingFile {
  return { path, recording: readRecording(path) };
}

/** The recorded world at time 0. */
export function worldOf({ path, recording }: RecordingFile, images: readonly ImageAtHand[]): World {
  try {
    const blueprint = blueprintOf(recording.header.world.name);
    return replayWorld(recording, blueprint, fittingImages(recording, images));
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

/** Throws InputError for an image that none of the recordings needs. */
export function checkSurplusImages(
  files: readonly RecordingFile[],
  images: readonly ImageAtHand[],
): void {
  const needs = files.flatMap(({ recording }) => recording.header.images);
  const surplus = images.find(({ name }) => needs.every((need) => need.name !== name));
  if (surplus !== undefined) {
    const names = [...new Set(needs.map(({ name }) => name))].join(", ");
    throw new InputError(`--image ${surplus.name}: the recording needs ${names || "none"}`);
  }
}

/** One image a name: the one whose hash is asked for, where several have been given, or else what comes with the package. */
function fittingImages(
  { header }: Recording,
  images: readonly ImageAtHand[],
): readonly ImageAtHand[] {
  return header.images.flatMap(({ name, sha256 }) => {
    const named = images.filter((image) => image.name === name);
    return named.find((image) => image.sha256 === sha256) ?? named[0] ?? shippedImage(name) ?? [];
  });
}
