/**
 * The state that an instruction is put to, drawn from a seed: registers, flags, x87 and SSE state and
 * memory, with the values at which instructions go wrong mixed in, and address registers aimed so that
 * memory operands mostly hit the oracle's window.
 *
 * Frozen vectors store seeds, not states: whatever changes what `makeInput` draws makes every stored
 * vector worthless, so it goes with a new INPUT_GENERATOR, and a test pins its output.
 */

import {
  type Content,
  drawContent,
  drawFx,
  drawSlot,
  Draws,
  type Lanes,
  type StackSlot,
} from "./draws.ts";
import {
  type MemoryRange,
  type Mode,
  type NativeCase,
  RFLAGS_FIXED,
  WINDOW,
  YMM_HIGH_BYTES,
} from "./records.ts";

/** Version of everything below that decides what a seed means. */
export const INPUT_GENERATOR = 1;

/** Where the code lies in its page unless a hint says otherwise. */
export const CODE_OFFSET = 0x800;
/** Address of the first instruction without such a hint; RIP-relative operands are reckoned from here. */
export const CODE_ADDRESS = WINDOW.code.address + CODE_OFFSET;

// ---- Hints ----

/** A memory operand by its parts. Registers are numbers, RAX = 0 to R15 = 15. */
export interface MemoryHint {
  readonly base?: number;
  readonly index?: number;
  readonly scale?: 1 | 2 | 4 | 8;
  readonly displacement?: number;
  /** The mode's own where absent. */
  readonly addressBits?: 64 | 32 | 16;
  readonly segment?: "FS" | "GS";
  /** Bytes accessed from the operand's address on. */
  readonly bytes: number;
  /** Alignment beyond which the instruction faults or slows down; mostly kept. */
  readonly align?: number;
  /** Where to aim: the data pages where absent, whatever the base register. */
  readonly region?: "data" | "stack";
  /** `int` where absent. */
  readonly content?: Content;
}

/** Keeps a register small: a repeat count, a shift count, a bit offset. Signed, both ends included. */
export interface RegisterHint {
  readonly register: number;
  readonly min: number;
  readonly max: number;
}

/** What the caller knows about the instruction. Without a hint x87 and SSE state is as a program starts. */
export interface InputHints {
  readonly memory?: readonly MemoryHint[];
  readonly registers?: readonly RegisterHint[];
  /** Slots from RSP upwards, and their size. */
  readonly stack?: readonly StackSlot[];
  readonly stackSlotBytes?: 2 | 4 | 8;
  readonly x87?: "float" | "mmx" | "stack";
  readonly sse?: Lanes;
  /** Upper halves of YMM too, in the manner of `sse`. */
  readonly ymm?: boolean;
  /** Let a repeated string instruction run to its end. */
  readonly repeat?: boolean;
  /** Place the code elsewhere in its page, such as at the very end. */
  readonly codeOffset?: number;
}

/** Iterations that a repeated string instruction is given; more is a `step-limit`. */
const REPEAT_STEPS_MAX = 256;

const RSP = 4;

// ---- Memory operands ----

/** Where an operand shall lie; undefined leaves the address registers as they were drawn. */
function drawTarget(draws: Draws, hint: MemoryHint): bigint | undefined {
  const part = hint.region === "stack" ? WINDOW.stack : WINDOW.data;
  const { bytes } = hint;
  const end = part.address + part.bytes;
  const anywhere = part.address + draws.below(Math.max(1, part.bytes - bytes + 1));
  const across = draws.below(Math.max(1, bytes));
  const choice = draws.below(32);
  let alignment = hint.align ?? 1;
  if (choice < 22) {
    if (alignment === 1) alignment = draws.pick([1, 8, 16]);
    return BigInt(anywhere - (anywhere % alignment));
  }
  // An operand that must be aligned is not, in about one case of eight.
  if (draws.chance(2)) alignment = 1;
  const aligned = (address: number): bigint => BigInt(address - (address % alignment));
  switch (choice) {
    case 22:
    case 23:
      // Across the pages' boundary.
      return aligned(part.address + part.bytes / 2 - across);
    case 24:
    case 25:
      // Not aligned at all, perhaps across a cache line.
      return aligned(anywhere);
    case 26:
      return aligned(end - bytes);
    case 27:
      return aligned(end - across);
    case 28:
      return aligned(part.address - across);
    case 29:
      return BigInt(WINDOW.readOnly.address + 16 * draws.below((WINDOW.readOnly.bytes - 512) / 16));
    case 30:
      // Not canonical, where addresses have 64 bits; unmapped otherwise.
      return 0x8000_0000_0000n + BigInt(draws.u32());
    default:
      return undefined;
  }
}

/** Sets base and index so that the operand lies at `target`, as near as they can bring it. */
function aim(
  draws: Draws,
  gpr: BigUint64Array,
  hint: MemoryHint,
  segmentBase: bigint,
  target: bigint,
  mode: Mode,
): void {
  const bits = hint.addressBits ?? mode;
  const scale = BigInt(hint.scale ?? 1);
  const offset = target - segmentBase - BigInt(hint.displacement ?? 0);
  // With a narrow address the rest of the register must not matter, so it is sometimes filled.
  const fit = (value: bigint): bigint => {
    const low = BigInt.asUintN(bits, value);
    const wide = mode === 64 && bits < 64 && draws.chance(2);
    return wide ? BigInt.asUintN(64, (draws.u64() << BigInt(bits)) | low) : low;
  };
  const { base, index } = hint;
  if (base !== undefined && index !== undefined && base !== index) {
    const steps = BigInt.asIntN(64, BigInt(draws.between(-64, 64)));
    gpr[index] = fit(steps);
    gpr[base] = fit(offset - steps * scale);
  } else if (base !== undefined && index !== undefined) {
    gpr[base] = fit(offset / (scale + 1n));
  } else if (base !== undefined) {
    gpr[base] = fit(offset);
  } else if (index !== undefined) {
    gpr[index] = fit(offset / scale);
  }
}

/** The address that the operand has with these registers. */
function operandAddress(
  gpr: BigUint64Array,
  hint: MemoryHint,
  segmentBase: bigint,
  mode: Mode,
): bigint {
  let address = BigInt(hint.displacement ?? 0);
  if (hint.base !== undefined) address += gpr[hint.base] ?? 0n;
  if (hint.index !== undefined) address += (gpr[hint.index] ?? 0n) * BigInt(hint.scale ?? 1);
  const effective = BigInt.asUintN(hint.addressBits ?? mode, address);
  return BigInt.asUintN(mode, effective + segmentBase);
}

/** The parts of the bytes that lie in the window's writable-by-patch pages, as patches. */
function clipToWindow(address: bigint, bytes: Uint8Array): MemoryRange[] {
  const patches: MemoryRange[] = [];
  for (const part of [WINDOW.data, WINDOW.readOnly, WINDOW.stack]) {
    const from = BigInt(part.address) - address;
    const to = from + BigInt(part.bytes);
    if (to <= 0n || from >= BigInt(bytes.length)) continue;
    const low = from > 0n ? Number(from) : 0;
    const high = to < BigInt(bytes.length) ? Number(to) : bytes.length;
    patches.push({ address: Number(address) + low, bytes: bytes.slice(low, high) });
  }
  return patches;
}

// ---- The whole input ----

/** CF PF AF ZF SF OF, each as likely as not. */
const STATUS_FLAGS = 0x08d5;

/** The flags that change what an instruction does are set less often. */
function drawFlags(draws: Draws): bigint {
  let flags = draws.u32() & STATUS_FLAGS;
  if (draws.chance(4)) flags |= 0x400; // DF
  if (draws.chance(8)) flags |= 0x20_0000; // ID
  if (draws.chance(32)) flags |= 0x4000; // NT
  if (draws.chance(64)) flags |= 0x4_0000; // AC
  return BigInt(flags) | RFLAGS_FIXED;
}

/** Mostly aligned and well within the stack page; sometimes so near an end that a push or a pop faults. */
function drawStackPointer(draws: Draws): bigint {
  const { address, bytes } = WINDOW.stack;
  const middle = address + 0x400 + 8 * draws.below(0x100);
  const choice = draws.below(32);
  if (choice === 0) return BigInt(address + draws.below(64));
  if (choice === 1) return BigInt(address + bytes - draws.below(64));
  if (choice < 4) return BigInt(middle + draws.below(8));
  return BigInt(middle);
}

/** Canonical in 64-bit mode; 32 bits in compatibility mode; small if an operand is reckoned from it. */
function drawSegmentBase(
  draws: Draws,
  segment: "FS" | "GS",
  mode: Mode,
  hints: InputHints,
): bigint {
  const anywhere = BigInt.asUintN(mode, BigInt.asIntN(48, draws.u64()));
  const used = hints.memory?.some((hint) => hint.segment === segment) === true;
  return used ? BigInt(draws.u32()) : anywhere;
}

function drawRegisters(draws: Draws, hints: InputHints): BigUint64Array {
  const gpr = new BigUint64Array(16);
  for (let i = 0; i < 16; i++) gpr[i] = draws.integer();
  gpr[RSP] = drawStackPointer(draws);
  for (const { register, min, max } of hints.registers ?? []) {
    gpr[register] = BigInt.asUintN(64, BigInt(draws.between(min, max)));
  }
  return gpr;
}

function drawStackPatches(
  draws: Draws,
  rsp: bigint,
  mode: Mode,
  { stack = [], stackSlotBytes = mode === 64 ? 8 : 4 }: InputHints,
): MemoryRange[] {
  return stack.flatMap((slot, index) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, drawSlot(draws, slot, mode), true);
    const address = rsp + BigInt(index * stackSlotBytes);
    return clipToWindow(address, bytes.slice(0, stackSlotBytes));
  });
}

function drawYmmHigh(draws: Draws, lanes: Lanes): Uint8Array {
  const ymmHigh = new Uint8Array(YMM_HIGH_BYTES);
  const view = new DataView(ymmHigh.buffer);
  for (let i = 0; i < 16; i++) draws.lanes(view, 16 * i, 16, lanes);
  return ymmHigh;
}

/** What `seed` means for this instruction. The same arguments give the same case, for good. */
export function makeInput(
  seed: string,
  code: Uint8Array,
  mode: Mode,
  hints: InputHints = {},
): NativeCase {
  const draws = new Draws(seed);
  const fillSeed = draws.u32();
  const gpr = drawRegisters(draws, hints);
  const rflags = drawFlags(draws);
  const fsBase = drawSegmentBase(draws, "FS", mode, hints);
  const gsBase = drawSegmentBase(draws, "GS", mode, hints);
  const segmentBase = ({ segment }: MemoryHint): bigint =>
    segment === undefined ? 0n : segment === "FS" ? fsBase : gsBase;

  const operands = hints.memory ?? [];
  for (const hint of operands) {
    const target = drawTarget(draws, hint);
    if (target !== undefined) aim(draws, gpr, hint, segmentBase(hint), target, mode);
  }
  if (mode === 32) {
    for (let i = 0; i < 16; i++) gpr[i] = i < 8 ? BigInt.asUintN(32, gpr[i] ?? 0n) : 0n;
  }
  const patches = operands.flatMap((hint) => {
    const bytes = drawContent(draws, hint.content ?? "int", hint.bytes, mode);
    return clipToWindow(operandAddress(gpr, hint, segmentBase(hint), mode), bytes);
  });
  patches.push(...drawStackPatches(draws, gpr[RSP] ?? 0n, mode, hints));

  return {
    mode,
    code,
    codeOffset: hints.codeOffset ?? CODE_OFFSET,
    gpr,
    rflags,
    fsBase,
    gsBase,
    fx: drawFx(draws, hints.x87, hints.sse),
    ymmHigh: hints.ymm === true ? drawYmmHigh(draws, hints.sse ?? "int") : undefined,
    fillSeed,
    patches,
    maxSteps: hints.repeat === true ? REPEAT_STEPS_MAX : 1,
    untilRipLeaves: hints.repeat === true,
  };
}
