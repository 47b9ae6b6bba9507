/**
 * A state of the CPU as a list of 64-bit words, so that one scheme of differences holds registers, flags,
 * x87, SSE and faults alike; and the shortest way to write a changed word.
 */

import { type Reader, VectorFileError, type Writer } from "./bytes.ts";
import {
  FX_BYTES,
  initialSelectors,
  type MemoryRange,
  type NativeCase,
  type NativeResult,
  RFLAGS_FIXED,
  type Selectors,
  WINDOW,
  YMM_HIGH_BYTES,
} from "./records.ts";

const WORD_RIP = 0;
const WORD_STEPS = 1;
const WORD_ERROR_CODE = 2;
const WORD_CR2 = 3;
const WORD_RFLAGS = 4;
const WORD_SELECTORS = 5;
const WORD_SELECTORS_MORE = 6;
const WORD_FS_BASE = 7;
const WORD_GS_BASE = 8;
const WORD_GPR = 9;
const WORD_FX = 25;
const FX_WORDS = 52;
const WORD_YMM = WORD_FX + FX_WORDS;
const YMM_WORDS = YMM_HIGH_BYTES / 8;
export const WORDS = WORD_YMM + YMM_WORDS;

/** Three selectors fit a word; `at` counts them. */
function selectorAt(word: bigint, at: number): number {
  return Number((word >> BigInt(16 * at)) & 0xffffn);
}

function packSelectors(low: number, middle: number, high: number): bigint {
  return BigInt(low) | (BigInt(middle) << 16n) | (BigInt(high) << 32n);
}

function putSelectors(words: BigUint64Array, { cs, ss, ds, es, fs, gs }: Selectors): void {
  words[WORD_SELECTORS] = packSelectors(cs, ss, ds);
  words[WORD_SELECTORS_MORE] = packSelectors(es, fs, gs);
}

function selectorsFrom(words: BigUint64Array): Selectors {
  const low = words[WORD_SELECTORS] ?? 0n;
  const high = words[WORD_SELECTORS_MORE] ?? 0n;
  return {
    cs: selectorAt(low, 0),
    ss: selectorAt(low, 1),
    ds: selectorAt(low, 2),
    es: selectorAt(high, 0),
    fs: selectorAt(high, 1),
    gs: selectorAt(high, 2),
  };
}

/** Word of the FXSAVE image where the x87 registers begin, two words for each. */
const FX_X87_WORD = 4;

/**
 * An FXSAVE image has ST(0) to ST(7); here physical registers stand instead, so that a push or a pop
 * changes one register and not eight places. `toPhysical` false is the way back.
 */
function reorderX87(words: BigUint64Array, at: number, toPhysical: boolean): void {
  const top = Number((words[at] ?? 0n) >> 27n) & 7;
  const first = at + FX_X87_WORD;
  const was = words.slice(first, first + 16);
  for (let st = 0; st < 8; st++) {
    const physical = (st + top) & 7;
    const [to, from] = toPhysical ? [physical, st] : [st, physical];
    words[first + 2 * to] = was[2 * from] ?? 0n;
    words[first + 2 * to + 1] = was[2 * from + 1] ?? 0n;
  }
}

function putFp(words: BigUint64Array, fx: Uint8Array, ymmHigh: Uint8Array | undefined): void {
  const view = new DataView(fx.buffer, fx.byteOffset, fx.byteLength);
  for (let i = 0; i < FX_WORDS; i++) words[WORD_FX + i] = view.getBigUint64(8 * i, true);
  // MXCSR_MASK, which is no state.
  words[WORD_FX + 3] = (words[WORD_FX + 3] ?? 0n) & 0xffff_ffffn;
  reorderX87(words, WORD_FX, true);
  if (ymmHigh === undefined) return;
  const high = new DataView(ymmHigh.buffer, ymmHigh.byteOffset, ymmHigh.byteLength);
  for (let i = 0; i < YMM_WORDS; i++) words[WORD_YMM + i] = high.getBigUint64(8 * i, true);
}

/**
 * What the words are expected to be: the state before, with RIP after the code. CR2 starts from the
 * window, where most faults lie.
 */
export function wordsBefore(input: NativeCase): BigUint64Array {
  const words = new BigUint64Array(WORDS);
  words[WORD_RIP] = BigInt(WINDOW.code.address + input.codeOffset + input.code.length);
  words[WORD_STEPS] = 1n;
  words[WORD_CR2] = BigInt(WINDOW.address);
  words[WORD_RFLAGS] = input.rflags | RFLAGS_FIXED;
  putSelectors(words, initialSelectors(input.mode));
  words[WORD_FS_BASE] = input.fsBase;
  words[WORD_GS_BASE] = input.gsBase;
  words.set(input.gpr, WORD_GPR);
  putFp(words, input.fx, input.ymmHigh);
  return words;
}

export function wordsAfter(result: NativeResult): BigUint64Array {
  const words = new BigUint64Array(WORDS);
  words[WORD_RIP] = result.rip;
  // Most faults come before the first step; a word that says so would be in every one of them.
  words[WORD_STEPS] = BigInt(result.fault === undefined ? result.steps : result.steps + 1);
  words[WORD_ERROR_CODE] = BigInt(result.fault?.errorCode ?? 0);
  const isPageFault = result.fault?.vector === 14;
  words[WORD_CR2] = isPageFault ? (result.fault?.address ?? 0n) : BigInt(WINDOW.address);
  words[WORD_RFLAGS] = result.rflags;
  putSelectors(words, result.selectors);
  words[WORD_FS_BASE] = result.fsBase;
  words[WORD_GS_BASE] = result.gsBase;
  words.set(result.gpr, WORD_GPR);
  putFp(words, result.fx, result.ymmHigh);
  return words;
}

export function resultFrom(
  input: NativeCase,
  words: BigUint64Array,
  outcome: NativeResult["outcome"],
  vector: number,
  memory: readonly MemoryRange[],
): NativeResult {
  const word = (index: number): bigint => words[index] ?? 0n;
  reorderX87(words, WORD_FX, false);
  const fx = new Uint8Array(FX_BYTES);
  const view = new DataView(fx.buffer);
  for (let i = 0; i < FX_WORDS; i++) view.setBigUint64(8 * i, word(WORD_FX + i), true);
  let ymmHigh: Uint8Array | undefined;
  if (input.ymmHigh !== undefined) {
    ymmHigh = new Uint8Array(YMM_HIGH_BYTES);
    const high = new DataView(ymmHigh.buffer);
    for (let i = 0; i < YMM_WORDS; i++) high.setBigUint64(8 * i, word(WORD_YMM + i), true);
  }
  const isFault = outcome === "fault";
  return {
    outcome,
    fault: isFault
      ? {
          vector,
          errorCode: Number(word(WORD_ERROR_CODE)),
          address: vector === 14 ? word(WORD_CR2) : 0n,
        }
      : undefined,
    steps: Number(word(WORD_STEPS)) - (isFault ? 1 : 0),
    rip: word(WORD_RIP),
    gpr: words.slice(WORD_GPR, WORD_GPR + 16),
    rflags: word(WORD_RFLAGS),
    fsBase: word(WORD_FS_BASE),
    gsBase: word(WORD_GS_BASE),
    selectors: selectorsFrom(words),
    fx,
    ymmHigh,
    touchedExtended: false,
    memory,
  };
}

// ---- Words as bytes ----

/**
 * Ways to give a word, as tag = 9 * way + number of bytes; the bytes are the low ones, the others are
 * zero. Beyond them, TAG_COPY + n says: what general register n was before.
 */
const WAYS: readonly ((before: bigint, given: bigint) => bigint)[] = [
  (_before, given) => given,
  (_before, given) => ~given,
  (before, given) => before ^ given,
  (before, given) => before + given,
  (before, given) => before - given,
];
const GIVEN: readonly ((before: bigint, after: bigint) => bigint)[] = [
  (_before, after) => after,
  (_before, after) => ~after,
  (before, after) => before ^ after,
  (before, after) => after - before,
  (before, after) => before - after,
];
const TAG_COPY = 9 * WAYS.length;

function byteCount(value: bigint): number {
  let count = 0;
  for (let rest = value; rest !== 0n; rest >>= 8n) count++;
  return count;
}

export function putWord(
  tags: Writer,
  values: Writer,
  before: BigUint64Array,
  index: number,
  after: bigint,
): void {
  for (let register = 0; register < 16; register++) {
    if (before[WORD_GPR + register] === after && after > 0xffn) {
      tags.byte(TAG_COPY + register);
      return;
    }
  }
  let tag = 0;
  let bytes = 9;
  let value = 0n;
  GIVEN.forEach((given, way) => {
    const candidate = BigInt.asUintN(64, given(before[index] ?? 0n, after));
    const count = byteCount(candidate);
    if (count < bytes) {
      bytes = count;
      tag = 9 * way + count;
      value = candidate;
    }
  });
  tags.byte(tag);
  for (; bytes > 0; bytes--) {
    values.byte(Number(value & 0xffn));
    value >>= 8n;
  }
}

/** A changed word as it is stored: which, and how its value is given. */
export interface StoredWord {
  readonly index: number;
  readonly tag: number;
  readonly given: bigint;
}

export function takeWord(tags: Reader, values: Reader, index: number): StoredWord {
  const tag = tags.byte();
  if (tag >= TAG_COPY + 16) throw new VectorFileError(`unknown tag ${tag}`);
  let given = 0n;
  if (tag < TAG_COPY) {
    for (let i = 0; i < tag % 9; i++) given |= BigInt(values.byte()) << BigInt(8 * i);
  }
  return { index, tag, given };
}

/** What a stored word stands for, given the state before. */
export function wordFrom({ index, tag, given }: StoredWord, before: BigUint64Array): bigint {
  if (tag >= TAG_COPY) return before[WORD_GPR + tag - TAG_COPY] ?? 0n;
  const way = WAYS[Math.floor(tag / 9)] as (typeof WAYS)[number];
  return BigInt.asUintN(64, way(before[index] ?? 0n, given));
}
