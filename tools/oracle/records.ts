/**
 * Cases for the native oracle and its results, as values and as the binary records that the head of
 * oracle.c describes.
 */

// ---- The window: the only memory a case can reach ----

export interface WindowPart {
  readonly address: number;
  readonly bytes: number;
}

/** Every page around these parts is unmapped. */
export const WINDOW = {
  address: 0x2000_0000,
  data: { address: 0x2000_0000, bytes: 0x2000 },
  readOnly: { address: 0x2000_4000, bytes: 0x1000 },
  stack: { address: 0x2000_6000, bytes: 0x1000 },
  code: { address: 0x2000_8000, bytes: 0x1000 },
} as const satisfies { readonly address: number } & Record<string, WindowPart | number>;

/** What the code page holds wherever the case gives no bytes: NOP. */
export const CODE_FILL = 0x90;

/** The background dword at a 4-byte aligned address of the window, before patches. */
export function backgroundDword(fillSeed: number, address: number): number {
  let x = (fillSeed + Math.imul((address - WINDOW.address) >>> 2, 0x9e37_79b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** One part of the window as a case finds it: background, then patches; for the code part, NOPs and the code. */
export function initialMemory(input: NativeCase, part: WindowPart): Uint8Array {
  const memory = new Uint8Array(part.bytes);
  if (part.address === WINDOW.code.address) {
    memory.fill(CODE_FILL);
    memory.set(input.code, input.codeOffset);
    return memory;
  }
  const view = new DataView(memory.buffer);
  for (let at = 0; at < part.bytes; at += 4) {
    view.setUint32(at, backgroundDword(input.fillSeed, part.address + at), true);
  }
  for (const { address, bytes } of input.patches) {
    if (address >= part.address && address < part.address + part.bytes) {
      memory.set(bytes, address - part.address);
    }
  }
  return memory;
}

// ---- Cases and results ----

/** Operating mode: 64-bit, or compatibility mode with a 32-bit code segment. */
export type Mode = 64 | 32;

/** The order of general registers everywhere here is the encoding's. */
// biome-ignore format: as in the manual's table of encodings
export const REGISTER_NAMES = [
  "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
  "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
] as const;

export const FX_BYTES = 512;
export const YMM_HIGH_BYTES = 256;

export interface MemoryRange {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What a user program can choose in RFLAGS: the status flags, DF, NT, AC and ID. */
export const RFLAGS_CHOOSABLE = 0x0024_4cd5n;
/** Bits that are always set in RFLAGS here: bit 1 and IF. */
export const RFLAGS_FIXED = 0x202n;
/** TF and RF show the oracle's method, not the instruction's effect. */
const RFLAGS_OF_METHOD = 0x1_0100n;

export interface NativeCase {
  readonly mode: Mode;
  /** One instruction, or a straight run of them with `maxSteps`, `endRip` or `untilRipLeaves`. */
  readonly code: Uint8Array;
  readonly codeOffset: number;
  /** RAX to R15. */
  readonly gpr: BigUint64Array;
  /** Within RFLAGS_CHOOSABLE; RFLAGS_FIXED may be set or not. */
  readonly rflags: bigint;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  /** FXSAVE64 image. Bytes 28 to 31 and from 416 on are not read. */
  readonly fx: Uint8Array;
  /** Bits 128 to 255 of YMM0 to YMM15; zero where absent. */
  readonly ymmHigh?: Uint8Array | undefined;
  readonly fillSeed: number;
  readonly patches: readonly MemoryRange[];
  /** At most so many traps; 1 where absent. */
  readonly maxSteps?: number | undefined;
  /** Stop as soon as RIP is here. */
  readonly endRip?: bigint | undefined;
  /** Let a repeated string instruction run to its end (or to `maxSteps`). */
  readonly untilRipLeaves?: boolean | undefined;
}

export interface Selectors {
  readonly cs: number;
  readonly ss: number;
  readonly ds: number;
  readonly es: number;
  readonly fs: number;
  readonly gs: number;
}

export interface NativeFault {
  readonly vector: number;
  readonly errorCode: number;
  /** CR2, for #PF; otherwise 0. */
  readonly address: bigint;
}

/** `refused`: the code made a system call. `step-limit`: the stop that was asked for did not come. */
export const OUTCOMES = ["completed", "fault", "refused", "step-limit"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface NativeResult {
  readonly outcome: Outcome;
  readonly fault?: NativeFault | undefined;
  /** Instructions completed, or iterations of a repeated string instruction. */
  readonly steps: number;
  readonly rip: bigint;
  readonly gpr: BigUint64Array;
  /** Without TF and RF. */
  readonly rflags: bigint;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly selectors: Selectors;
  readonly fx: Uint8Array;
  /** Given if the case gave it. */
  readonly ymmHigh?: Uint8Array | undefined;
  /** State that is not reported here (AVX-512, AMX) was modified. */
  readonly touchedExtended: boolean;
  /** Maximal runs of bytes that differ from what the case began with, by address. */
  readonly memory: readonly MemoryRange[];
}

/** How Linux starts a program: x87 and SSE at their initial values, all exceptions masked. */
export function initialFx(): Uint8Array {
  const fx = new Uint8Array(FX_BYTES);
  const view = new DataView(fx.buffer);
  view.setUint16(0, 0x037f, true);
  view.setUint32(24, 0x1f80, true);
  return fx;
}

/** The selectors that every case starts with. */
export function initialSelectors(mode: Mode): Selectors {
  return { cs: mode === 64 ? 0x33 : 0x23, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0x2b, gs: 0x2b };
}

export class NativeOracleError extends Error {
  override readonly name = "NativeOracleError";
}

// ---- Records ----

const CASE_MAGIC = 0x434f_564b;
const RESULT_MAGIC = 0x524f_564b;
const RECORDS_VERSION = 1;
const STREAM_HEADER_BYTES = 8;
const CASE_FIXED_BYTES = 696;
const RESULT_FIXED_BYTES = 712;
const STOP_WHEN_RIP_LEAVES = 1;
const STOP_AT_END_RIP = 2;
const HAS_YMM = 4;
const TOUCHED_EXTENDED = 8;

function caseBytes(input: NativeCase): number {
  let bytes = CASE_FIXED_BYTES + input.code.length;
  if (input.ymmHigh !== undefined) bytes += YMM_HIGH_BYTES;
  for (const patch of input.patches) bytes += 6 + patch.bytes.length;
  return bytes;
}

function encodeCase(view: DataView, memory: Uint8Array, start: number, input: NativeCase): number {
  const size = caseBytes(input);
  view.setUint32(start, size, true);
  view.setUint8(start + 4, input.mode);
  let flags = 0;
  if (input.untilRipLeaves === true) flags |= STOP_WHEN_RIP_LEAVES;
  if (input.endRip !== undefined) flags |= STOP_AT_END_RIP;
  if (input.ymmHigh !== undefined) flags |= HAS_YMM;
  view.setUint8(start + 5, flags);
  view.setUint16(start + 6, input.codeOffset, true);
  view.setUint16(start + 8, input.code.length, true);
  view.setUint16(start + 10, input.patches.length, true);
  view.setUint32(start + 12, input.maxSteps ?? 1, true);
  view.setUint32(start + 16, input.fillSeed, true);
  view.setBigUint64(start + 24, input.endRip ?? 0n, true);
  for (let i = 0; i < 16; i++) view.setBigUint64(start + 32 + 8 * i, input.gpr[i] ?? 0n, true);
  view.setBigUint64(start + 160, input.rflags, true);
  view.setBigUint64(start + 168, input.fsBase, true);
  view.setBigUint64(start + 176, input.gsBase, true);
  memory.set(input.fx, start + 184);
  let at = start + CASE_FIXED_BYTES;
  if (input.ymmHigh !== undefined) {
    memory.set(input.ymmHigh, at);
    at += YMM_HIGH_BYTES;
  }
  memory.set(input.code, at);
  at += input.code.length;
  for (const { address, bytes } of input.patches) {
    view.setUint32(at, address, true);
    view.setUint16(at + 4, bytes.length, true);
    memory.set(bytes, at + 6);
    at += 6 + bytes.length;
  }
  return start + size;
}

/** A whole stream of cases, as oracle.c reads it. */
export function encodeCases(cases: readonly NativeCase[]): Uint8Array {
  let size = STREAM_HEADER_BYTES;
  for (const input of cases) size += caseBytes(input);
  const memory = new Uint8Array(size);
  const view = new DataView(memory.buffer);
  view.setUint32(0, CASE_MAGIC, true);
  view.setUint32(4, RECORDS_VERSION, true);
  let at = STREAM_HEADER_BYTES;
  for (const input of cases) at = encodeCase(view, memory, at, input);
  return memory;
}

function decodeResult(view: DataView, memory: Uint8Array, start: number): NativeResult {
  const outcome = OUTCOMES[view.getUint8(start + 4)];
  if (outcome === undefined) throw new NativeOracleError("the oracle reported an unknown outcome");
  const flags = view.getUint8(start + 6);
  const gpr = new BigUint64Array(16);
  for (let i = 0; i < 16; i++) gpr[i] = view.getBigUint64(start + 32 + 8 * i, true);
  const selector = (index: number): number => view.getUint16(start + 184 + 2 * index, true);

  let at = start + RESULT_FIXED_BYTES;
  let ymmHigh: Uint8Array | undefined;
  if ((flags & HAS_YMM) !== 0) {
    ymmHigh = memory.slice(at, at + YMM_HIGH_BYTES);
    at += YMM_HIGH_BYTES;
  }
  const ranges: MemoryRange[] = [];
  for (let left = view.getUint32(start + 196, true); left > 0; left--) {
    const length = view.getUint16(at + 4, true);
    ranges.push({
      address: view.getUint32(at, true),
      bytes: memory.slice(at + 6, at + 6 + length),
    });
    at += 6 + length;
  }
  return {
    outcome,
    fault:
      outcome === "fault"
        ? {
            vector: view.getUint8(start + 5),
            errorCode: view.getUint32(start + 12, true),
            address: view.getBigUint64(start + 16, true),
          }
        : undefined,
    steps: view.getUint32(start + 8, true),
    rip: view.getBigUint64(start + 24, true),
    gpr,
    rflags: view.getBigUint64(start + 160, true) & ~RFLAGS_OF_METHOD,
    fsBase: view.getBigUint64(start + 168, true),
    gsBase: view.getBigUint64(start + 176, true),
    selectors: {
      cs: selector(0),
      ss: selector(1),
      ds: selector(2),
      es: selector(3),
      fs: selector(4),
      gs: selector(5),
    },
    fx: memory.slice(start + 200, start + 200 + FX_BYTES),
    ymmHigh,
    touchedExtended: (flags & TOUCHED_EXTENDED) !== 0,
    memory: ranges,
  };
}

/** Reads a whole stream of results, as oracle.c writes it. */
export function decodeResults(stream: Uint8Array): NativeResult[] {
  // A Buffer's slice would be a Buffer, and share the stream's memory.
  const memory = new Uint8Array(stream.buffer, stream.byteOffset, stream.byteLength);
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  if (
    memory.length < STREAM_HEADER_BYTES ||
    view.getUint32(0, true) !== RESULT_MAGIC ||
    view.getUint32(4, true) !== RECORDS_VERSION
  ) {
    throw new NativeOracleError("the oracle's answer does not begin as a stream of results");
  }
  const results: NativeResult[] = [];
  let at = STREAM_HEADER_BYTES;
  while (at < memory.length) {
    const size = memory.length - at < 4 ? 0 : view.getUint32(at, true);
    if (size < RESULT_FIXED_BYTES || size > memory.length - at) {
      throw new NativeOracleError(`the oracle's answer ends within result ${results.length + 1}`);
    }
    results.push(decodeResult(view, memory, at));
    at += size;
  }
  return results;
}
