/**
 * The registers of one CPU, in linear memory so that emitted code and TypeScript see the same bytes: SDM Vol. 1,
 * "Basic Program Execution Registers", Vol. 3, "System Architecture Overview". Offsets are from the start of the CPU's
 * block.
 */

import { assert } from "../../sim/assert.ts";
import { GPR_NAMES, type GprName, SEGMENT_NAMES, type SegmentName } from "./uop.ts";

/** Where things lie in a CPU's block, in bytes. */
export const OFFSET = {
  /** Sixteen registers of 8 bytes. */
  gpr: 0,
  /** Always zero: the base or index that an address has not. */
  zero: 128,
  rip: 136,
  rflags: 144,
  /** Cycles since reset, a double: whole and below 2^53. */
  cycles: 152,
  /** Six segments of 32 bytes: base (8), limit (4), access rights (4), selector (2). */
  segments: 160,
  /** CR0, CR2, CR3, CR4, CR8, EFER of 8 bytes each. */
  control: 352,
  /** Sixteen registers of 16 bytes. */
  xmm: 512,
  mxcsr: 768,
  /** Eight physical registers R0 to R7 of 16 bytes: significand (8), sign and exponent (2). */
  x87: 784,
  /** Control, status and full tag word (2 each), opcode (2), instruction and data pointer (8 each). */
  x87Control: 912,
  x87Status: 914,
  x87Tag: 916,
  x87Opcode: 918,
  x87Instruction: 920,
  x87Data: 928,
  /** What follows is the engine's between entry and exit, and no state. */
  scratch: 1024,
} as const;

/** Bytes of a CPU's block that are state. */
export const STATE_BYTES = OFFSET.scratch;
/** Bytes of a CPU's block. */
export const BLOCK_BYTES = 4096;

const SEGMENT_BYTES = 32;
const CONTROL_NAMES = ["CR0", "CR2", "CR3", "CR4", "CR8", "EFER"] as const;
export type ControlName = (typeof CONTROL_NAMES)[number];

export interface SegmentState {
  readonly selector: number;
  readonly base: bigint;
  readonly limit: number;
  /** Bits 8 to 23 of the descriptor's second word, at their place, as in a VMCS's access rights; bit 16 is unusable. */
  readonly rights: number;
}

/** Bit 1 of RFLAGS reads as 1 (SDM Vol. 1, "EFLAGS Register"). */
export const RFLAGS_FIXED = 2n;

export class CpuState {
  /** Offset of the block in linear memory. */
  readonly block: number;
  /** The block, for what has no accessor of its own; offsets are those of OFFSET. */
  readonly view: DataView;

  constructor(buffer: ArrayBuffer, block: number) {
    assert(block % 16 === 0, "a CPU's block is aligned");
    this.block = block;
    this.view = new DataView(buffer, block, BLOCK_BYTES);
    if (this.rflags === 0n) this.rflags = RFLAGS_FIXED;
  }

  /** The block's bytes that are state, for the snapshot registry. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.block, STATE_BYTES);
  }

  /** By number in the encoding. */
  gpr(number: number): bigint {
    return this.view.getBigUint64(OFFSET.gpr + 8 * number, true);
  }

  setGpr(number: number, value: bigint): void {
    this.view.setBigUint64(OFFSET.gpr + 8 * number, value, true);
  }

  /** The byte of AH, CH, DH or BH when `high`. */
  gpr8(number: number, high: boolean): number {
    return this.view.getUint8(OFFSET.gpr + 8 * number + (high ? 1 : 0));
  }

  setGpr8(number: number, high: boolean, value: number): void {
    this.view.setUint8(OFFSET.gpr + 8 * number + (high ? 1 : 0), value);
  }

  get rip(): bigint {
    return this.view.getBigUint64(OFFSET.rip, true);
  }

  set rip(value: bigint) {
    this.view.setBigUint64(OFFSET.rip, value, true);
  }

  get rflags(): bigint {
    return this.view.getBigUint64(OFFSET.rflags, true);
  }

  set rflags(value: bigint) {
    this.view.setBigUint64(OFFSET.rflags, value, true);
  }

  get cycles(): number {
    return this.view.getFloat64(OFFSET.cycles, true);
  }

  set cycles(value: number) {
    this.view.setFloat64(OFFSET.cycles, value, true);
  }

  xmm(number: number): bigint {
    const at = OFFSET.xmm + 16 * number;
    return (this.view.getBigUint64(at + 8, true) << 64n) | this.view.getBigUint64(at, true);
  }

  setXmm(number: number, value: bigint): void {
    const at = OFFSET.xmm + 16 * number;
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
    this.view.setBigUint64(at + 8, value >> 64n, true);
  }

  get mxcsr(): number {
    return this.view.getUint32(OFFSET.mxcsr, true);
  }

  set mxcsr(value: number) {
    this.view.setUint32(OFFSET.mxcsr, value, true);
  }

  control(name: ControlName): bigint {
    return this.view.getBigUint64(controlOffset(name), true);
  }

  setControl(name: ControlName, value: bigint): void {
    this.view.setBigUint64(controlOffset(name), value, true);
  }

  segment(name: SegmentName): SegmentState {
    const at = segmentOffset(name);
    return {
      base: this.view.getBigUint64(at, true),
      limit: this.view.getUint32(at + 8, true),
      rights: this.view.getUint32(at + 12, true),
      selector: this.view.getUint16(at + 16, true),
    };
  }

  /** The current privilege level: the DPL of SS (SDM Vol. 3, "Privilege Levels"). */
  get cpl(): number {
    return (this.view.getUint32(segmentOffset("SS") + 12, true) >>> 13) & 3;
  }

  segmentBase(name: SegmentName): bigint {
    return this.view.getBigUint64(segmentOffset(name), true);
  }

  setSegment(name: SegmentName, { selector, base, limit, rights }: SegmentState): void {
    const at = segmentOffset(name);
    this.view.setBigUint64(at, base, true);
    this.view.setUint32(at + 8, limit, true);
    this.view.setUint32(at + 12, rights, true);
    this.view.setUint16(at + 16, selector, true);
  }
}

export function gprNumber(name: GprName): number {
  return GPR_NAMES.indexOf(name);
}

export function segmentOffset(name: SegmentName): number {
  return OFFSET.segments + SEGMENT_BYTES * SEGMENT_NAMES.indexOf(name);
}

export function controlOffset(name: ControlName): number {
  return OFFSET.control + 8 * CONTROL_NAMES.indexOf(name);
}
