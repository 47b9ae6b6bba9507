/** Stacks of transfers: frames that are written as a whole or not at all, and values read before they are popped. */

import { isCanonicalAccess, linearAddress, offsetRange } from "../addressing.ts";
import { type Core, wrap } from "../descriptors.ts";
import { type Fault, SS0 } from "../fault.ts";
import { type Accessor, isFault } from "../mmu.ts";
import { isRealAddressing, stackSizeOf } from "../mode.ts";
import { type CpuState, RIGHTS, type SegmentState } from "../state.ts";

const RSP = 4;

export type StackSize = 16 | 32 | 64;

/** A stack that something is pushed on. */
export interface Stack {
  readonly segment: SegmentState;
  readonly size: StackSize;
  readonly pointer: bigint;
  /** With the CPL, or with that of a level that is being entered. */
  readonly as: Accessor;
  /** What an access beyond the segment raises. */
  readonly fault: Fault;
}

interface Slot {
  readonly offset: bigint;
  readonly bytes: number;
  readonly value: bigint;
}

/** The stack in use. */
export function currentStack(state: CpuState, fault: Fault = SS0): Stack {
  const size = stackSizeOf(state);
  const pointer = BigInt.asUintN(size, state.gpr(RSP));
  return { segment: state.segment("SS"), size, pointer, as: "cpl", fault };
}

/** Values pushed one after another; nothing is written before all of it is known to succeed. */
export class Frame {
  readonly #core: Core;
  readonly #stack: Stack;
  readonly #slots: Slot[] = [];
  #pointer: bigint;

  constructor(core: Core, stack: Stack) {
    this.#core = core;
    this.#stack = stack;
    this.#pointer = stack.pointer;
  }

  push(value: bigint, bytes: number): void {
    this.#pointer = BigInt.asUintN(this.#stack.size, this.#pointer - BigInt(bytes));
    this.#slots.push({ offset: this.#pointer, bytes, value: BigInt.asUintN(8 * bytes, value) });
  }

  /** The pointer after the last push. */
  get pointer(): bigint {
    return this.#pointer;
  }

  /** The fault that writing would meet. */
  check(): Fault | null {
    const places = this.#places();
    return Array.isArray(places) ? null : places;
  }

  write(): Fault | null {
    const { memory } = this.#core;
    const places = this.#places();
    if (!Array.isArray(places)) return places;
    for (const [i, { bytes, value }] of this.#slots.entries()) {
      const fault = memory.write(places[i] as bigint, bytes, value, this.#stack.as);
      if (fault !== null) return fault;
    }
    return null;
  }

  #places(): bigint[] | Fault {
    const { memory } = this.#core;
    const { as } = this.#stack;
    const places: bigint[] = [];
    for (const { offset, bytes } of this.#slots) {
      const linear = this.#linear(offset, bytes);
      if (isFault(linear)) return linear;
      const tried = memory.read(linear, bytes, "modify", as);
      if (isFault(tried)) return tried;
      places.push(linear);
    }
    return places;
  }

  #linear(offset: bigint, bytes: number): bigint | Fault {
    const { segment, size, fault } = this.#stack;
    const { state } = this.#core;
    if (size === 64) return isCanonicalAccess(offset, bytes) ? offset : fault;
    const { min, max } = offsetRange(segment, true, isRealAddressing(state));
    const isInside = offset >= BigInt(min) && offset + BigInt(bytes - 1) <= BigInt(max);
    return isInside ? wrap(state, BigInt.asUintN(32, segment.base + offset)) : fault;
  }
}

/** Sets the stack pointer in the width that SS gives it. */
export function setStackPointer(state: CpuState, pointer: bigint, size: StackSize): void {
  const kept = size === 16 ? state.gpr(RSP) & ~0xffffn : 0n;
  state.setGpr(RSP, kept | BigInt.asUintN(size, pointer));
}

/** Values on top of the stack, of so many bytes each, or the first fault. */
export function peek(core: Core, count: number, bytes: number, skip = 0): bigint[] | Fault {
  const { state, memory } = core;
  const size = stackSizeOf(state);
  const values: bigint[] = [];
  for (let i = 0; i < count; i += 1) {
    const offset = BigInt.asUintN(size, state.gpr(RSP) + BigInt(skip + i * bytes));
    const linear = linearAddress(state, "SS", offset, bytes, false);
    if (isFault(linear)) return linear;
    const value = memory.read(linear, bytes, "read");
    if (isFault(value)) return value;
    values.push(value);
  }
  return values;
}

/** The width of a stack pointer in a segment that is not loaded yet. */
export const sizeOfStack = ({ rights }: SegmentState): StackSize =>
  (rights & RIGHTS.big) === 0 ? 16 : 32;
