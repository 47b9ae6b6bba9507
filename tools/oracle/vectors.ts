/**
 * Frozen answers of the native oracle: one file for each manual entry, so that every machine can compare
 * the simulator with hardware without having that hardware.
 *
 * A file stores for each case its seed, its code and what changed; `makeInput` derives the state before
 * from the seed. Most forms take 5 to 15 bytes a case.
 *
 * File: "KVEC", u32 format version, then Brotli of:
 *   u32 length and JSON of the header: mnemonic, CPU, date, tool, generator, and for each form its notation,
 *     mode, number of cases and table of distinct hints;
 *   for each column: u32 length and bytes. Columns hold like with like, which compresses better:
 *     seed      seeds, as differences from the case before
 *     hints     index into the form's table of hints
 *     code      length, bytes
 *     outcome   outcome, and the vector of a fault
 *     index     for each changed word: how far on it is; 0 ends the list
 *     tag       for each changed word: how its value is given (see `putWord`)
 *     value     the bytes that the tag calls for
 *     memory    number of changed ranges, then for each: distance from the end of the one before, length, bytes
 *   Numbers are unsigned LEB128.
 *
 * A state is a list of words of 64 bits (see words.ts).
 */

import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { Reader, VectorFileError, Writer } from "./bytes.ts";
import { INPUT_GENERATOR, type InputHints, makeInput } from "./inputs.ts";
import type { CpuDescription } from "./native.ts";
import {
  type MemoryRange,
  type Mode,
  type NativeCase,
  type NativeResult,
  type Outcome,
  OUTCOMES,
  WINDOW,
} from "./records.ts";
import {
  putWord,
  resultFrom,
  type StoredWord,
  takeWord,
  wordFrom,
  WORDS,
  wordsAfter,
  wordsBefore,
} from "./words.ts";

export const VECTORS_FORMAT = 2;
const MAGIC = 0x4345_564b;

/** One case as it is stored. */
export interface Vector {
  /** Together with mnemonic, form and mode this is `makeInput`'s seed. */
  readonly seed: number;
  readonly code: Uint8Array;
  readonly hints: InputHints;
  readonly result: NativeResult;
}

/** One case as it is used. */
export interface DecodedVector extends Vector {
  readonly input: NativeCase;
}

export interface VectorGroup<V = Vector> {
  /** The encoding in the manual's notation, such as `REX.W + 01 /r`. */
  readonly form: string;
  readonly mode: Mode;
  readonly vectors: readonly V[];
}

export interface VectorFile<V = Vector> {
  readonly mnemonic: string;
  readonly cpu: CpuDescription;
  /** Day on which the CPU was asked, as YYYY-MM-DD. */
  readonly date: string;
  /** What asked, and in which version. */
  readonly tool: string;
  readonly groups: readonly VectorGroup<V>[];
}

/** The input that a stored case stands for. */
export function vectorInput(
  mnemonic: string,
  form: string,
  mode: Mode,
  vector: Pick<Vector, "seed" | "code" | "hints">,
): NativeCase {
  return makeInput(`${mnemonic}/${form}/${mode}/${vector.seed}`, vector.code, mode, vector.hints);
}

const COLUMNS = ["seed", "hints", "code", "outcome", "index", "tag", "value", "memory"] as const;
type Column = (typeof COLUMNS)[number];

// ---- Files ----

type Columns<T> = Readonly<Record<Column, T>>;

interface GroupHeader {
  readonly form: string;
  readonly mode: Mode;
  readonly cases: number;
  readonly hints: readonly InputHints[];
}

interface Header {
  readonly mnemonic: string;
  readonly cpu: CpuDescription;
  readonly date: string;
  readonly tool: string;
  readonly generator: number;
  readonly groups: readonly GroupHeader[];
}

function putVector(columns: Columns<Writer>, input: NativeCase, vector: Vector): void {
  const { result } = vector;
  if (result.outcome === "refused") {
    throw new VectorFileError("a refused case is no answer of the CPU; it cannot be frozen");
  }
  if (result.touchedExtended) {
    throw new VectorFileError("the case modified state that vectors do not hold (AVX-512, AMX)");
  }
  columns.code.number(vector.code.length);
  columns.code.bytes(vector.code);
  columns.outcome.byte(OUTCOMES.indexOf(result.outcome));
  if (result.fault !== undefined) columns.outcome.byte(result.fault.vector);

  const before = wordsBefore(input);
  const after = wordsAfter(result);
  let last = -1;
  for (let i = 0; i < WORDS; i++) {
    const value = after[i] ?? 0n;
    if (value === before[i]) continue;
    columns.index.byte(i - last);
    putWord(columns.tag, columns.value, before, i, value);
    last = i;
  }
  columns.index.byte(0);

  columns.memory.number(result.memory.length);
  let end: number = WINDOW.address;
  for (const { address, bytes } of result.memory) {
    columns.memory.number(address - end);
    columns.memory.number(bytes.length);
    columns.memory.bytes(bytes);
    end = address + bytes.length;
  }
}

/** One case as a file has it, before the state that its seed stands for is derived. */
export interface StoredVector extends Omit<Vector, "result"> {
  readonly outcome: Outcome;
  readonly vector: number;
  readonly changes: readonly StoredWord[];
  readonly memory: readonly MemoryRange[];
}

function takeVector(
  columns: Columns<Reader>,
  { seed, code, hints }: Omit<Vector, "result">,
): StoredVector {
  const outcome = OUTCOMES[columns.outcome.byte()];
  if (outcome === undefined) throw new VectorFileError("unknown outcome");
  const vector = outcome === "fault" ? columns.outcome.byte() : 0;

  const changes: StoredWord[] = [];
  let index = -1;
  for (let step = columns.index.byte(); step !== 0; step = columns.index.byte()) {
    index += step;
    if (index >= WORDS) throw new VectorFileError("a changed word lies beyond the state");
    changes.push(takeWord(columns.tag, columns.value, index));
  }

  const memory: MemoryRange[] = [];
  let end: number = WINDOW.address;
  for (let left = columns.memory.number(); left > 0; left--) {
    const address = end + columns.memory.number();
    const bytes = columns.memory.bytes(columns.memory.number());
    memory.push({ address, bytes });
    end = address + bytes.length;
  }
  return { seed, code, hints, outcome, vector, changes, memory };
}

/** The state before a stored case, and what the CPU made of it. */
export function thaw(
  mnemonic: string,
  { form, mode }: Pick<VectorGroup, "form" | "mode">,
  stored: StoredVector,
): DecodedVector {
  const { seed, code, hints, outcome, vector, changes, memory } = stored;
  const input = vectorInput(mnemonic, form, mode, stored);
  const before = wordsBefore(input);
  const words = before.slice();
  for (const change of changes) words[change.index] = wordFrom(change, before);
  return { seed, code, hints, input, result: resultFrom(input, words, outcome, vector, memory) };
}

function columnsOf<T>(make: (column: Column) => T): Columns<T> {
  const columns: Partial<Record<Column, T>> = {};
  for (const column of COLUMNS) columns[column] = make(column);
  return columns as Columns<T>;
}

/** The file's bytes; the same vectors give the same bytes with the same version of Brotli. */
export function encodeVectors(file: VectorFile): Uint8Array {
  const columns = columnsOf(() => new Writer());
  const groups = file.groups.map(({ form, mode, vectors }): GroupHeader => {
    const hintIndex = new Map<string, number>();
    const hints: InputHints[] = [];
    let seed = -1;
    for (const vector of vectors) {
      if (vector.seed <= seed) throw new VectorFileError(`${form}: seeds must rise`);
      columns.seed.number(vector.seed - seed - 1);
      seed = vector.seed;
      const key = JSON.stringify(vector.hints);
      const known = hintIndex.get(key) ?? hints.length;
      if (known === hints.length) {
        hintIndex.set(key, known);
        hints.push(vector.hints);
      }
      columns.hints.number(known);
      putVector(columns, vectorInput(file.mnemonic, form, mode, vector), vector);
    }
    return { form, mode, cases: vectors.length, hints };
  });

  const header: Header = {
    mnemonic: file.mnemonic,
    cpu: file.cpu,
    date: file.date,
    tool: file.tool,
    generator: INPUT_GENERATOR,
    groups,
  };
  const payload = new Writer();
  const headerBytes = new TextEncoder().encode(JSON.stringify(header));
  payload.u32(headerBytes.length);
  payload.bytes(headerBytes);
  for (const column of COLUMNS) {
    const bytes = columns[column].finish();
    payload.u32(bytes.length);
    payload.bytes(bytes);
  }

  const plain = payload.finish();
  const out = new Writer();
  out.u32(MAGIC);
  out.u32(VECTORS_FORMAT);
  out.bytes(
    brotliCompressSync(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    }),
  );
  return out.finish();
}

function decompress(bytes: Uint8Array): Uint8Array {
  try {
    return brotliDecompressSync(bytes);
  } catch (error) {
    throw new VectorFileError(
      `the file is damaged: ${error instanceof Error ? error.message : "?"}`,
    );
  }
}

/** Reads a file, and derives the state before each case. */
export function decodeVectors(bytes: Uint8Array): VectorFile<DecodedVector> {
  const file = readVectors(bytes);
  const groups = file.groups.map((group) => ({
    ...group,
    vectors: group.vectors.map((stored) => thaw(file.mnemonic, group, stored)),
  }));
  return { ...file, groups };
}

/** Reads a file; `thaw` makes cases of what it holds. */
export function readVectors(bytes: Uint8Array): VectorFile<StoredVector> {
  const start = new Reader(bytes, "file");
  if (start.u32() !== MAGIC) throw new VectorFileError("this is no file of vectors");
  const format = start.u32();
  if (format !== VECTORS_FORMAT) {
    throw new VectorFileError(
      `the file is of format ${format}; this reads format ${VECTORS_FORMAT}`,
    );
  }
  const payload = new Reader(decompress(bytes.subarray(8)), "file");
  const headerText = new TextDecoder().decode(payload.bytes(payload.u32()));
  const header = JSON.parse(headerText) as Header;
  if (header.generator !== INPUT_GENERATOR) {
    throw new VectorFileError(
      `the file's inputs come from generator ${header.generator}; this is generator ${INPUT_GENERATOR}`,
    );
  }
  const columns = columnsOf(
    (column) => new Reader(payload.bytes(payload.u32()), `column ${column}`),
  );

  const groups = header.groups.map(({ form, mode, cases, hints }): VectorGroup<StoredVector> => {
    const vectors: StoredVector[] = [];
    let seed = -1;
    for (let i = 0; i < cases; i++) {
      seed += columns.seed.number() + 1;
      const itsHints = hints[columns.hints.number()];
      if (itsHints === undefined) throw new VectorFileError(`${form}: unknown hints`);
      const code = columns.code.bytes(columns.code.number());
      vectors.push(takeVector(columns, { seed, code, hints: itsHints }));
    }
    return { form, mode, vectors };
  });
  for (const column of COLUMNS) {
    if (!columns[column].atEnd)
      throw new VectorFileError(`column ${column} is longer than its cases`);
  }
  const { mnemonic, cpu, date, tool } = header;
  return { mnemonic, cpu, date, tool, groups };
}
