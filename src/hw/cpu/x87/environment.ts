/**
 * The images that FSTENV and FSAVE make, in their four layouts: SDM Vol. 1, "Saving the x87 FPU's State with
 * FSTENV/FNSTENV and FSAVE/FNSAVE". What is reserved is stored as ones, as processors do.
 */

import type { AssistContext } from "../assist.ts";
import { isRealAddressing } from "../mode.ts";
import { F80 } from "../softfloat/index.ts";
import { OPCODE_BITS, POINTER_SELECTORS, type X87Unit } from "./unit.ts";

/** By operand size, and by mode: real-address and virtual-8086 mode have one, all others the other. */
export interface Layout {
  readonly size: 16 | 32;
  readonly mode: "protected" | "real";
}

export function layoutFor({ state, decoded }: AssistContext): Layout {
  const mode = isRealAddressing(state) ? "real" : "protected";
  return { size: decoded.operandSize === 16 ? 16 : 32, mode };
}

/** Seven words, or seven doublewords. */
export const environmentBytes = ({ size }: Layout): number => (7 * size) / 8;

const REGISTER_BYTES = 10;
export const STACK_BYTES = 8 * REGISTER_BYTES;

export function environmentOf(unit: X87Unit, layout: Layout): Uint8Array {
  const fields = [unit.control, unit.status, unit.fullTags, ...pointersOf(unit, layout)];
  const bytes = new Uint8Array(environmentBytes(layout));
  const view = new DataView(bytes.buffer);
  fields.forEach((field, i) => {
    if (layout.size === 16) view.setUint16(2 * i, field, true);
    else view.setUint32(4 * i, i < 3 ? field | 0xffff_0000 : field, true);
  });
  return bytes;
}

/** The last four fields. */
function pointersOf(unit: X87Unit, { size, mode }: Layout): readonly number[] {
  const instruction = Number(BigInt.asUintN(32, unit.instructionPointer));
  const data = Number(BigInt.asUintN(32, unit.dataPointer));
  const opcode = unit.opcode;
  if (mode === "protected") {
    if (size === 16) return [instruction, POINTER_SELECTORS, data, POINTER_SELECTORS];
    const withOpcode = POINTER_SELECTORS | (opcode << 16);
    return [instruction, withOpcode, data, POINTER_SELECTORS | 0xffff_0000];
  }
  // Linear addresses, which without selectors are the offsets.
  if (size === 16) {
    const high = (address: number): number => ((address >>> 16) & 0xf) << 12;
    return [instruction, high(instruction) | opcode, data, high(data)];
  }
  const low = (address: number): number => (address & 0xffff) | 0xffff_0000;
  const high = (address: number): number => (address >>> 16) << 12;
  return [low(instruction), high(instruction) | opcode, low(data), high(data)];
}

export function loadEnvironment(unit: X87Unit, bytes: Uint8Array, { size, mode }: Layout): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (i: number): number =>
    size === 16 ? view.getUint16(2 * i, true) : view.getUint32(4 * i, true);
  unit.control = field(0);
  unit.status = field(1) & 0xffff;
  unit.fullTags = field(2) & 0xffff;
  const [instruction, second, data, fourth] = [field(3), field(4), field(5), field(6)];
  if (mode === "protected") {
    unit.instructionPointer = BigInt(instruction);
    unit.dataPointer = BigInt(data);
    // The short image of protected mode has no opcode.
    unit.opcode = size === 16 ? 0 : second >>> 16;
    return;
  }
  const bits = size === 16 ? 4 : 16;
  const linear = (low: number, high: number): bigint =>
    BigInt(low & 0xffff) | (BigInt((high >>> 12) & ((1 << bits) - 1)) << 16n);
  unit.instructionPointer = linear(instruction, second);
  unit.dataPointer = linear(data, fourth);
  unit.opcode = second & OPCODE_BITS;
}

/** ST(0) to ST(7), ten bytes each. */
export function stackOf(unit: X87Unit): Uint8Array {
  const bytes = new Uint8Array(STACK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 8; i += 1) {
    const { significand, signExponent } = unit.st(i);
    view.setBigUint64(REGISTER_BYTES * i, significand, true);
    view.setUint16(REGISTER_BYTES * i + 8, signExponent, true);
  }
  return bytes;
}

/** Registers alone; which of them are empty is the environment's. */
export function loadStack(unit: X87Unit, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < 8; i += 1) {
    const value: F80 = {
      significand: view.getBigUint64(REGISTER_BYTES * i, true),
      signExponent: view.getUint16(REGISTER_BYTES * i + 8, true),
    };
    unit.setPhysical((unit.top + i) & 7, value);
  }
}
