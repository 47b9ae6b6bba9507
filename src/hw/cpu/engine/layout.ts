/** Where the interpreter keeps what emitted code reads: decoded records and the scratch part of a CPU's block. */

import { BLOCK_BYTES, OFFSET } from "../state.ts";

/** A decoded instruction, 64 bytes. Register fields hold addresses in linear memory. */
export const RECORD = {
  /** Place of the handler in the table. */
  handler: 0,
  /** In the first record of a block: the cycles of the whole block. */
  blockCycles: 4,
  /** In the others, and in the one after the last: the cycles of the block's instructions before it. */
  cyclesBefore: 4,
  /** Registers of operands 0 and 1. */
  register0: 8,
  register1: 12,
  /** In the record after the last of a block that a tree begins with: address of the tree's links. */
  links: 8,
  base: 16,
  index: 20,
  /** How far the index is shifted. */
  scale: 24,
  /** Address of the base of the segment. */
  segmentBase: 28,
  /** Displacement; with RIP-relative addressing the whole address. */
  displacement: 32,
  immediate: 40,
  nextRip: 48,
  /** A second immediate. */
  immediate2: 56,
  /** Cycles of this instruction. */
  cycles: 60,
} as const;

export const RECORD_BYTES = 64;

/** What a tree must know of a block: address of its first record, and the handler of its first instruction. */
export const LINK = { record: 0, handler: 4 } as const;
export const LINK_BYTES = 8;

const S = OFFSET.scratch;

/** The engine's part of a CPU's block; nothing here is state. */
export const SCRATCH = {
  /** The last result that set ZF, SF and PF, sign-extended. */
  flagResult: S,
  /** Bit 63 CF, bit 62 CF ^ OF, bit 3 AF, bit 0 SF inverted, bit 1 PF inverted. */
  flagAux: S + 8,
  /** Cycles that may still be spent. */
  budget: S + 16,
  /** Why emitted code has returned, with `record` where it was. */
  record: S + 20,
  /** What a slow read has read, or a slow write is to write. */
  value: S + 24,
  fault: S + 32,
  /** Operands and results, of 16 bytes, of what the host does with vectors. */
  vectorA: S + 48,
  vectorB: S + 64,
  /** For each segment the offsets that may be read and those that may be written: first and last, 8 bytes each. */
  ranges: S + 128,
} as const;

export const RANGE_BYTES = 32;

/** Direct-mapped caches over the TLB: 16 bytes an entry, the page's linear address and an addend to linear memory. */
export const FAST_TLB_ENTRIES = 256;
const FAST_TLB_BYTES = 16 * FAST_TLB_ENTRIES;
/** Where a jump finds the records of its target: linear address and record. */
export const JUMP_CACHE_ENTRIES = 1024;

/** Where the caches lie that one kind of code uses, from the CPU's block on. */
export interface CacheSet {
  readonly read: number;
  readonly write: number;
  readonly jumps: number;
}

const CACHE_SET_BYTES = 2 * FAST_TLB_BYTES + 16 * JUMP_CACHE_ENTRIES;
const cacheSet = (at: number): CacheSet => ({
  read: at,
  write: at + FAST_TLB_BYTES,
  jumps: at + 2 * FAST_TLB_BYTES,
});

/**
 * One for CPL 0 to 2 and one for CPL 3, of the host and of guests: what the one may reach is nothing to the others, and
 * none is lost on a change.
 */
export const CACHES = {
  supervisor: cacheSet(BLOCK_BYTES),
  user: cacheSet(BLOCK_BYTES + CACHE_SET_BYTES),
  "guest supervisor": cacheSet(BLOCK_BYTES + 2 * CACHE_SET_BYTES),
  "guest user": cacheSet(BLOCK_BYTES + 3 * CACHE_SET_BYTES),
} as const;
export type Level = keyof typeof CACHES;

export const LEVELS: readonly Level[] = ["supervisor", "user", "guest supervisor", "guest user"];
export const LEVELS_OF: Readonly<Record<"host" | "guest", readonly Level[]>> = {
  host: ["supervisor", "user"],
  guest: ["guest supervisor", "guest user"],
};

/** Bytes that a CPU takes in all. */
export const CPU_BYTES = BLOCK_BYTES + 4 * CACHE_SET_BYTES;

/** No page and no instruction lies there: not canonical. */
export const NO_ADDRESS = 0x8000_0000_0000_0001n;

/** What emitted code returns. */
export const EXIT = {
  /** The budget does not cover the next block; RIP says where. */
  budget: 0,
  /** An access or a check has failed at `SCRATCH.record`. */
  fault: 1,
  /** RIP's block is not in the jump cache. */
  lookup: 2,
  /** The record has been invalidated, or is the end of a block that a fault follows. */
  leave: 3,
  /** An iteration of a repeated instruction is over, and the budget does not cover the next. */
  repeat: 4,
  /** The instruction at the record is an assist, or ends in one. */
  assist: 5,
} as const;

/** Where an interpreter may keep its data in linear memory. */
export interface InterpreterArea {
  /** Records: from here, this many bytes. */
  readonly records: number;
  readonly recordBytes: number;
  /** When blocks become trees; the ordinary measure where absent. */
  readonly heat?: Heat;
}

/** A block that control is at so often, when it is looked at every so many cycles, is hot. */
export interface Heat {
  readonly samples: number;
  readonly cycles: number;
  /** So many trees at most: with one more, all are dropped. Each takes 100 KB of the host and more. */
  readonly trees: number;
}

/** What a tree costs is earned back by a block that takes a few ten thousand instructions more. */
export const ORDINARY_HEAT: Heat = { samples: 12, cycles: 20_000, trees: 1024 };
