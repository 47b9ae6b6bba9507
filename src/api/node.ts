/** The part of the public door that touches files: images, recordings, traces. Errors name the file. */

import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../sim/assert.ts";
import type { Json } from "../sim/data.ts";
import type { FaultPlan } from "../sim/faults.ts";
import { type Recording, RecordingReader, RecordingWriter } from "../sim/recording.ts";
import { checkFaultPlan, checkSchedule } from "../sim/recording-schema.ts";
import type { ImageAtHand } from "../sim/replay.ts";
import type { SchedulePlan } from "../sim/schedule.ts";
import { ChromeTraceSink } from "../sim/sinks/chrome-trace.ts";
import { JsonLinesSink } from "../sim/sinks/json-lines.ts";
import type { TraceSink } from "../sim/trace.ts";
import type { World } from "../sim/world.ts";

const PIECE_BYTES = 1 << 20;

/** Runs `action` and turns a system error into one line that names the file. */
function withFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && "code" in error && "syscall" in error) {
      throw new InputError(`${path}: ${reasonOf(String(error.code))}`);
    }
    throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "a part of the path is no directory",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
};

const reasonOf = (code: string): string => REASONS[code] ?? code;

/** Reads an image and hashes it. */
export function loadImage(name: string, path: string): ImageAtHand {
  const bytes = withFile(path, () => new Uint8Array(readFileSync(path)));
  return imageOf(name, bytes);
}

/** The image of this name that comes with the package, the policy `svirt`; null when none does. */
export function shippedImage(name: string): ImageAtHand | null {
  if (name !== SHIPPED_POLICY) return null;
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, "policies", `${name}.cil`);
    // Whether this runs from sources, is built, or lies in a bundle.
    if (existsSync(file) || folder === dirname(folder)) return loadImage(name, file);
  }
}

const SHIPPED_POLICY = "svirt";

/** A file of these bytes, in the place of one that is there; whole or not at all. */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.part`;
  withFile(path, () => {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  });
}

export function imageOf(name: string, bytes: Uint8Array): ImageAtHand {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, sizeBytes: bytes.length, sha256, bytes };
}

/** Reads a recording in pieces. Throws InputError when it is damaged, truncated, of another version or no recording. */
export function readRecording(path: string): Recording {
  return withFile(path, () => {
    const file = openSync(path, "r");
    try {
      const reader = new RecordingReader(path);
      const piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const count = readSync(file, piece, 0, PIECE_BYTES, null);
        if (count === 0) return reader.finish();
        reader.push(piece.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
  });
}

/** Reads a plan of faults: a JSON list of {time, target, kind, detail}. */
export function readFaults(path: string): FaultPlan {
  return checkFaultPlan(readJson(path), path);
}

/** Reads a schedule plan: a JSON object of {priorities, changePoints, windowCycles}. */
export function readSchedule(path: string): SchedulePlan {
  return checkSchedule(readJson(path), path);
}

function readJson(path: string): Json {
  const text = withFile(path, () => readFileSync(path, "utf8"));
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new InputError(`${path}: no JSON: ${error instanceof Error ? error.message : ""}`);
  }
}

/** A file that is being written. It appears under its name only when it is whole. */
export interface FileInMaking {
  /** Ends the file. */
  close(): void;
  /** Leaves nothing behind, and whatever had the file's name before as it was. */
  abandon(): void;
}

/** Gathers small writes to a file. */
class FileWriter implements FileInMaking {
  readonly #path: string;
  /** A file of another name beside it, unless the path names a device, a pipe or a link. */
  readonly #partPath: string;
  readonly #file: number;
  #pending: string[] = [];
  #pendingLength = 0;

  constructor(path: string) {
    this.#path = path;
    this.#partPath = isReplaceable(path) ? `${path}.part` : path;
    this.#file = withFile(path, () => openSync(this.#partPath, "w"));
  }

  write(text: string): void {
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength >= PIECE_BYTES) this.#flush();
  }

  close(): void {
    this.#flush();
    withFile(this.#path, () => {
      closeSync(this.#file);
      if (this.#partPath !== this.#path) renameSync(this.#partPath, this.#path);
    });
  }

  abandon(): void {
    closeSync(this.#file);
    if (this.#partPath !== this.#path) rmSync(this.#partPath, { force: true });
  }

  #flush(): void {
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#pendingLength = 0;
    withFile(this.#path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    });
  }
}

function isReplaceable(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

/** Records a world, at time 0, to a file from here on. Closing the file ends the recording. */
export function recordToFile(
  world: World,
  path: string,
  images: readonly ImageAtHand[],
): FileInMaking {
  const file = new FileWriter(path);
  const needs = images.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 }));
  const writer = new RecordingWriter(world, needs, (text) => file.write(text));
  world.observe(writer);
  return {
    close() {
      writer.close(world);
      world.observe(null);
      file.close();
    },
    abandon() {
      world.observe(null);
      file.abandon();
    },
  };
}

/** Writes events to a file: as JSON lines, or for Chrome's and Perfetto's viewers when it ends in `.trace.json`. */
export function traceToFile(world: World, path: string): FileInMaking {
  const file = new FileWriter(path);
  const write = (text: string): void => file.write(text);
  const sink: TraceSink = path.endsWith(".trace.json")
    ? new ChromeTraceSink(write)
    : new JsonLinesSink(write);
  world.trace.attach(sink);
  return {
    close() {
      world.trace.detach(sink);
      sink.close?.();
      file.close();
    },
    abandon() {
      world.trace.detach(sink);
      file.abandon();
    },
  };
}
