/**
 * Assists: what is no straight line of micro-ops is a named function over the CPU's state, called by every engine. It
 * returns the fault that it met, having changed nothing, or null.
 */

import { effectiveAddress, linearAddress, segmentOf, segmentSum } from "./addressing.ts";
import type { Decoded, OperandValue } from "./decode.ts";
import type { EngineParts } from "./engine/engine.ts";
import type { Environment } from "./environment.ts";
import type { Fault } from "./fault.ts";
import { isFault, type SystemMemory } from "./mmu.ts";
import type { CpuState } from "./state.ts";
import type { SegmentChoice } from "./uop.ts";
import type { InterceptedInstruction, Virtualization } from "./virtualization.ts";

export type AssistFunction = (context: AssistContext) => Fault | null;

/** An instruction in the hands of an assist. RIP is that of the next instruction; an assist that goes elsewhere sets it. */
export class AssistContext {
  readonly state: CpuState;
  readonly memory: SystemMemory;
  readonly environment: Environment;
  readonly virtualization: Virtualization | undefined;
  readonly decoded: Decoded;
  readonly nextRip: bigint;

  constructor(parts: EngineParts, decoded: Decoded, nextRip: bigint) {
    const { state, memory, environment, virtualization } = parts;
    this.state = state;
    this.virtualization = virtualization;
    this.memory = memory;
    this.environment = environment;
    this.decoded = decoded;
    this.nextRip = nextRip;
  }

  /** What a hypervisor has asked for in place of an instruction of its guest: an exit, or #UD; null where none runs one. */
  intercepted(name: InterceptedInstruction): Fault | null {
    if (!this.state.isGuest) return null;
    return this.virtualization?.instruction(this, name) ?? null;
  }

  operand(index: number): OperandValue {
    return this.decoded.operands[index] as OperandValue;
  }

  /** The number of the register at `operand`. */
  register(index: number): number {
    const operand = this.operand(index);
    if (operand.is !== "register") throw new RangeError("the operand is a register");
    return operand.register.number;
  }

  /** The offset of the memory operand, of the address size. */
  offset(index: number): bigint {
    const { addressSize } = this.decoded;
    const address = effectiveAddress(this.state, this.decoded, index, this.nextRip);
    return BigInt.asUintN(addressSize, address);
  }

  /** Reads a register or memory operand of 16, 32 or 64 bits. */
  readOperand(index: number, width: 16 | 32 | 64): bigint | Fault {
    const operand = this.operand(index);
    if (operand.is === "memory") return this.load("effective", this.offset(index), width / 8);
    return BigInt.asUintN(width, this.state.gpr(this.register(index)));
  }

  /** Writes one; 32 bits clear the upper half of a register. */
  writeOperand(index: number, width: 16 | 32 | 64, value: bigint): Fault | null {
    const operand = this.operand(index);
    if (operand.is === "memory")
      return this.store("effective", this.offset(index), width / 8, value);
    const number = this.register(index);
    const kept = width === 16 ? this.state.gpr(number) & ~0xffffn : 0n;
    this.state.setGpr(number, kept | BigInt.asUintN(width, value));
    return null;
  }

  /** The linear address, without any check. */
  linear(segment: SegmentChoice, offset: bigint): bigint {
    return segmentSum(this.state, segmentOf(this.decoded, segment), offset);
  }

  /** Reads 1, 2, 4 or 8 bytes; `displacement` bytes into a longer operand. */
  load(
    segment: SegmentChoice,
    offset: bigint,
    size: number,
    access: "read" | "modify" = "read",
  ): bigint | Fault {
    const linear = this.#linear(segment, offset, size, access === "modify");
    return isFault(linear) ? linear : this.memory.read(linear, size, access);
  }

  store(segment: SegmentChoice, offset: bigint, size: number, value: bigint): Fault | null {
    const linear = this.#linear(segment, offset, size, true);
    return isFault(linear) ? linear : this.memory.write(linear, size, value);
  }

  /** Reads any number of bytes, or the first fault. */
  loadBytes(segment: SegmentChoice, offset: bigint, size: number): Uint8Array | Fault {
    const whole = this.#checkWhole(segment, offset, size, false);
    if (whole !== null) return whole;
    const bytes = new Uint8Array(size);
    for (const { at, length } of pieces(size)) {
      const value = this.load(segment, offset + BigInt(at), length);
      if (isFault(value)) return value;
      for (let i = 0; i < length; i += 1)
        bytes[at + i] = Number(BigInt.asUintN(8, value >> BigInt(8 * i)));
    }
    return bytes;
  }

  /** The first fault that a store of so many bytes would meet. */
  tryStore(segment: SegmentChoice, offset: bigint, size: number): Fault | null {
    const whole = this.#checkWhole(segment, offset, size, true);
    if (whole !== null) return whole;
    for (const { at, length } of pieces(size)) {
      const tried = this.load(segment, offset + BigInt(at), length, "modify");
      if (isFault(tried)) return tried;
    }
    return null;
  }

  /** Writes all bytes or, on a fault, none: each place is tried before the first is written. */
  storeBytes(segment: SegmentChoice, offset: bigint, bytes: Uint8Array): Fault | null {
    const tried = this.tryStore(segment, offset, bytes.length);
    if (tried !== null) return tried;
    for (const { at, length } of pieces(bytes.length)) {
      let value = 0n;
      for (let i = length - 1; i >= 0; i -= 1)
        value = (value << 8n) | BigInt(bytes[at + i] as number);
      const fault = this.store(segment, offset + BigInt(at), length, value);
      if (fault !== null) return fault;
    }
    return null;
  }

  /** The segment's fault for an operand that is one access. */
  #checkWhole(segment: SegmentChoice, offset: bigint, size: number, write: boolean): Fault | null {
    if (size > WIDEST_ACCESS) return null;
    const linear = this.#linear(segment, offset, size, write);
    return isFault(linear) ? linear : null;
  }

  #linear(segment: SegmentChoice, offset: bigint, size: number, write: boolean): bigint | Fault {
    return linearAddress(this.state, segmentOf(this.decoded, segment), offset, size, write);
  }
}

/** Up to so many bytes the segment is checked as a whole, before any page. */
const WIDEST_ACCESS = 16;

/** An access of any length as accesses of 8, 4, 2 and 1 bytes. */
function pieces(size: number): readonly { readonly at: number; readonly length: number }[] {
  const list: { at: number; length: number }[] = [];
  let at = 0;
  for (const length of [8, 4, 2, 1]) {
    for (; at + length <= size; at += length) list.push({ at, length });
  }
  return list;
}
