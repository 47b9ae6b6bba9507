/**
 * The one file format of recordings: the set-up of a run, its inputs, and its digests. Lines of ASCII, each a
 * checksum of 32 hexadecimal digits over all that went before, a space, and one JSON value:
 *
 *     header  {"kvmsim":"recording","version":1,"world":{...},"setup":{...},"images":[...]}
 *     input   {"input":[step,time,target,kind,payload]}
 *     epoch   {"epoch":[index,digest]}
 *     end     {"end":{"time":...,"steps":...,"digest":...,"inputs":...,"epochs":...}}
 *
 * Written and read in a stream. A reader accepts a recording only whole: a changed byte breaks a checksum, a missing
 * tail leaves it without its end.
 */

import { InputError } from "./assert.ts";
import type { Setup, WorldObserver } from "./blueprint.ts";
import type { Json } from "./data.ts";
import type { EpochDigest } from "./epochs.ts";
import { Hasher } from "./hash.ts";
import type { StampedInput } from "./inputs.ts";
import { checkEnd, checkEpoch, checkHeader, checkInput } from "./recording-schema.ts";
import type { Cycles } from "./time.ts";
import type { World } from "./world.ts";

export const RECORDING_VERSION = 1;

/** An image that the run needs, by the hash of its content. */
export interface ImageNeed {
  readonly name: string;
  readonly sizeBytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

export type RecordedSetup = Omit<Setup, "images">;

export interface RecordingHeader {
  readonly kvmsim: "recording";
  readonly version: number;
  /** The blueprint and its version. */
  readonly world: { readonly name: string; readonly version: number };
  readonly setup: RecordedSetup;
  readonly images: readonly ImageNeed[];
}

export interface RecordingEnd {
  readonly time: Cycles;
  readonly steps: number;
  readonly digest: string;
  readonly inputs: number;
  readonly epochs: number;
}

export interface Recording {
  readonly header: RecordingHeader;
  readonly inputs: readonly StampedInput[];
  readonly epochs: readonly string[];
  readonly end: RecordingEnd;
}

/** Writes a recording while the world runs. Attach with `world.observe`; nothing may have happened before. */
export class RecordingWriter implements WorldObserver {
  readonly #write: (text: string) => void;
  readonly #checksum = new Hasher();
  #inputs = 0;
  #epochs = 0;
  #lastStep = -1;

  constructor(world: World, images: readonly ImageNeed[], write: (text: string) => void) {
    this.#write = write;
    const { blueprint } = world;
    const { config, seed, epochCycles, sliceCycles, schedule, faults, mutants } = world.setup;
    const header: RecordingHeader = {
      kvmsim: "recording",
      version: RECORDING_VERSION,
      world: { name: blueprint.name, version: blueprint.version },
      setup: { config, seed, epochCycles, sliceCycles, schedule, faults, mutants },
      images,
    };
    this.#line(header);
  }

  input({ step, time, target, kind, payload }: StampedInput): void {
    this.#inputs += 1;
    this.#lastStep = step;
    this.#line({ input: [step, time, target, kind, payload] });
  }

  epoch({ index, digest }: EpochDigest): void {
    this.#epochs += 1;
    this.#line({ epoch: [index, digest] });
  }

  /**
   * Ends the recording at the world's present moment; a slice in progress is finished first, since a recording ends
   * between decisions. Throws InputError when what it tells lies beyond that moment.
   */
  close(world: World): void {
    world.runUntil(world.now);
    if (world.steps <= this.#lastStep || world.epochDigests.length < this.#epochs) {
      throw new InputError("recording: the run has gone back in time; it ends where it has been");
    }
    const end: RecordingEnd = {
      time: world.now,
      steps: world.steps,
      digest: world.digest(),
      inputs: this.#inputs,
      epochs: this.#epochs,
    };
    this.#line({ end });
  }

  #line(value: object): void {
    const text = asciiJson(value);
    this.#checksum.text(text);
    this.#write(`${this.#checksum.hex()} ${text}\n`);
  }
}

/** JSON without a character beyond ASCII. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const NEWLINE = 10;
const CHECKSUM_DIGITS = 32;
/** Longer lines are no recording of ours. */
const MAX_LINE_BYTES = 64 << 20;

/** Reads a recording piece by piece. Every fault throws InputError with the place. */
export class RecordingReader {
  readonly #name: string;
  readonly #checksum = new Hasher();
  readonly #inputs: StampedInput[] = [];
  readonly #epochs: string[] = [];
  #header: RecordingHeader | null = null;
  #end: RecordingEnd | null = null;
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #lines = 0;

  /** `name` stands in messages, as a rule the file's. */
  constructor(name: string) {
    this.#name = name;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.#rest.push(bytes.subarray(from, at));
      this.#takeLine(this.#joinRest());
      from = at + 1;
    }
    if (from < bytes.length) {
      this.#rest.push(bytes.slice(from));
      this.#restBytes += bytes.length - from;
      if (this.#restBytes > MAX_LINE_BYTES) this.#refuse("damaged: a line is too long");
    }
  }

  /** To be called after the last piece. */
  finish(): Recording {
    if (this.#lines === 0 && this.#restBytes === 0)
      this.#refuse("not a kvmsim recording: the file is empty");
    if (this.#restBytes > 0) {
      if (this.#lines === 0) this.#checkKind(this.#joinRest());
      this.#refuse(`truncated in line ${this.#lines + 1}`);
    }
    if (this.#header === null || this.#end === null) {
      this.#refuse(`truncated after line ${this.#lines}: the end is missing`);
    }
    return { header: this.#header, inputs: this.#inputs, epochs: this.#epochs, end: this.#end };
  }

  #takeLine(line: string): void {
    this.#lines += 1;
    if (this.#lines === 1) this.#checkKind(line);
    if (this.#end !== null) this.#refuse(`damaged: line ${this.#lines} follows the end`);
    const text = line.slice(CHECKSUM_DIGITS + 1);
    this.#checksum.text(text);
    if (line !== `${this.#checksum.hex()} ${text}`) {
      this.#refuse(`damaged: the checksum of line ${this.#lines} does not match`);
    }
    this.#takeValue(this.#parse(text));
  }

  #takeValue(value: Json): void {
    const place = `${this.#name}: line ${this.#lines}`;
    if (this.#header === null) {
      this.#header = checkHeader(value, place);
      return;
    }
    const record = value as { readonly input?: Json; readonly epoch?: Json; readonly end?: Json };
    if (record?.input !== undefined) {
      this.#inputs.push(checkInput(record.input, this.#inputs.at(-1), place));
    } else if (record?.epoch !== undefined) {
      this.#epochs.push(checkEpoch(record.epoch, this.#epochs.length + 1, place));
    } else if (record?.end !== undefined) {
      this.#end = checkEnd(record.end, this.#inputs, this.#epochs.length, place);
    } else {
      throw new InputError(`${place}: neither an input nor an epoch nor the end`);
    }
  }

  /** Says what is wrong with a file that is something else, or a recording of another version. */
  #checkKind(line: string): void {
    const found = /^[0-9a-f]{32} \{"kvmsim":"recording","version":(\d{1,9}),/.exec(line);
    if (found === null) {
      const looksLikeOurs = line.includes('"recording"') || /^[0-9a-f]{32} /.test(line);
      this.#refuse(looksLikeOurs ? "damaged: the header cannot be read" : "not a kvmsim recording");
    }
    const version = Number(found[1]);
    if (version !== RECORDING_VERSION) {
      this.#refuse(
        `recording format version ${version}; this program reads version ${RECORDING_VERSION}`,
      );
    }
  }

  #parse(text: string): Json {
    try {
      return JSON.parse(text) as Json;
    } catch {
      this.#refuse(`damaged: line ${this.#lines} is no JSON`);
    }
  }

  #joinRest(): string {
    let line = "";
    for (const piece of this.#rest) {
      // In parts, since a call takes a bounded number of arguments.
      for (let i = 0; i < piece.length; i += 4096)
        line += String.fromCharCode(...piece.subarray(i, i + 4096));
    }
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }

  #refuse(why: string): never {
    throw new InputError(`${this.#name}: ${why}`);
  }
}
