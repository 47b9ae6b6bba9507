/**
 * The image of x87 and SSE state that FXSAVE makes, and XSAVE in the first 512 bytes of its area: SDM Vol. 1,
 * "Legacy Region of an XSAVE Area"; Vol. 2A, "FXSAVE—Save x87 FPU, MMX Technology, and SSE State".
 */

import type { AssistContext } from "../assist.ts";
import type { Fault } from "../fault.ts";
import { is64Bit } from "../mode.ts";
import type { CpuState } from "../state.ts";
import { toBytes } from "./execution.ts";
import { POINTER_SELECTORS, X87Unit } from "./unit.ts";

/** Bits of MXCSR that are no reserved ones. */
export const MXCSR_MASK = 0xffff;
export const MXCSR_INITIAL = 0x1f80;
export const LEGACY_BYTES = 512;

/** Where things lie in it. */
export const AT = {
  control: 0,
  status: 2,
  tags: 4,
  opcode: 6,
  instruction: 8,
  data: 16,
  mxcsr: 24,
  stack: 32,
  xmm: 160,
} as const;
const POINTER_BYTES = 8;
/** Of a register. */
export const SLOT_BYTES = 16;
const REGISTER_BYTES = 10;

/** Bytes to be written, from an offset in the image on. */
export interface Part {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Whose registers, and how they go into the image. */
export interface ImageForm {
  readonly state: CpuState;
  /** Pointers are of 64 bits, and else of 32 with a selector. */
  readonly isWide: boolean;
  /** Pointers are shown while no exception is pending, too. */
  readonly showsPointers: boolean;
  readonly xmmCount: number;
}

/**
 * As an instruction has it: REX.W makes pointers wide, outside of 64-bit mode there are eight XMM registers, and AMD's
 * processors show the pointers only while an exception is pending (APM Vol. 5, "FXSAVE").
 */
export const formOf = ({ state, decoded, environment }: AssistContext): ImageForm => ({
  state,
  isWide: decoded.operandSize === 64,
  showsPointers: environment.profile.vendor === "intel",
  xmmCount: is64Bit(state) ? 16 : 8,
});

/** MXCSR, which is not the x87 unit's, lies between its two parts. */
export function x87Parts({ state, isWide, showsPointers }: ImageForm): readonly Part[] {
  const unit = new X87Unit(state);
  const bytes = new Uint8Array(AT.xmm);
  const view = new DataView(bytes.buffer);
  view.setUint16(AT.control, unit.control, true);
  view.setUint16(AT.status, unit.status, true);
  view.setUint8(AT.tags, unit.abridgedTags);
  if (showsPointers || unit.isPending) {
    view.setUint16(AT.opcode, unit.opcode, true);
    putPointer(view, AT.instruction, unit.instructionPointer, isWide);
    putPointer(view, AT.data, unit.dataPointer, isWide);
  }
  for (let i = 0; i < 8; i += 1) {
    const { significand, signExponent } = unit.st(i);
    view.setBigUint64(AT.stack + SLOT_BYTES * i, significand, true);
    view.setUint16(AT.stack + SLOT_BYTES * i + 8, signExponent, true);
  }
  return [
    { at: 0, bytes: bytes.slice(0, AT.mxcsr) },
    { at: AT.stack, bytes: bytes.slice(AT.stack) },
  ];
}

/** Writes parts of an operand that can be written. */
export function storeParts(
  context: AssistContext,
  offset: bigint,
  parts: readonly Part[],
): Fault | null {
  for (const { at, bytes } of parts) {
    const fault = context.storeBytes("effective", offset + BigInt(at), bytes);
    if (fault !== null) return fault;
  }
  return null;
}

function putPointer(view: DataView, at: number, pointer: bigint, isWide: boolean): void {
  if (isWide) {
    view.setBigUint64(at, pointer, true);
    return;
  }
  view.setUint32(at, Number(BigInt.asUintN(32, pointer)), true);
  view.setUint16(at + 4, POINTER_SELECTORS, true);
}

export function mxcsrPart({ state }: ImageForm): Part {
  const value = (BigInt(MXCSR_MASK) << 32n) | BigInt(state.mxcsr);
  return { at: AT.mxcsr, bytes: toBytes(value, POINTER_BYTES) };
}

export function xmmPart({ state, xmmCount }: ImageForm): Part {
  const bytes = new Uint8Array(SLOT_BYTES * xmmCount);
  for (let i = 0; i < xmmCount; i += 1)
    bytes.set(toBytes(state.xmm(i), SLOT_BYTES), SLOT_BYTES * i);
  return { at: AT.xmm, bytes };
}

const viewOf = (image: Uint8Array): DataView =>
  new DataView(image.buffer, image.byteOffset, image.byteLength);

export function loadX87({ state, isWide }: ImageForm, image: Uint8Array): void {
  const unit = new X87Unit(state);
  const view = viewOf(image);
  unit.control = view.getUint16(AT.control, true);
  unit.status = view.getUint16(AT.status, true);
  unit.abridgedTags = view.getUint8(AT.tags);
  unit.opcode = view.getUint16(AT.opcode, true);
  const pointer = (at: number): bigint =>
    isWide ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
  unit.instructionPointer = pointer(AT.instruction);
  unit.dataPointer = pointer(AT.data);
  for (let i = 0; i < 8; i += 1) {
    const at = AT.stack + SLOT_BYTES * i;
    const significand = view.getBigUint64(at, true);
    const signExponent = view.getUint16(at + REGISTER_BYTES - 2, true);
    unit.setPhysical((unit.top + i) & 7, { significand, signExponent });
  }
}

export function initializeX87({ state }: ImageForm): void {
  const unit = new X87Unit(state);
  unit.initialize();
  for (let i = 0; i < 8; i += 1) unit.setPhysical(i, { significand: 0n, signExponent: 0 });
}

export const mxcsrIn = (image: Uint8Array): number => viewOf(image).getUint32(AT.mxcsr, true);

export function loadXmm({ state, xmmCount }: ImageForm, image: Uint8Array): void {
  const view = viewOf(image);
  for (let i = 0; i < xmmCount; i += 1) {
    const at = AT.xmm + SLOT_BYTES * i;
    state.setXmm(i, (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true));
  }
}

export function initializeXmm({ state, xmmCount }: ImageForm): void {
  for (let i = 0; i < xmmCount; i += 1) state.setXmm(i, 0n);
}
