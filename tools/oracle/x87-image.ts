/** The x87 unit in an image as FXSAVE makes it, against that of the simulated CPU. */

import type { F80 } from "../../src/hw/cpu/softfloat/index.ts";
import type { CpuState } from "../../src/hw/cpu/state.ts";
import { X87Unit } from "../../src/hw/cpu/x87/unit.ts";

export interface X87Image {
  readonly control: number;
  readonly status: number;
  /** A bit for each physical register that is not empty. */
  readonly tags: number;
  readonly opcode: number;
  readonly instructionPointer: bigint;
  readonly dataPointer: bigint;
  /** ST(0) to ST(7). */
  readonly stack: readonly F80[];
}

export function x87Of(fx: Uint8Array): X87Image {
  const view = new DataView(fx.buffer, fx.byteOffset, fx.byteLength);
  return {
    control: view.getUint16(0, true),
    status: view.getUint16(2, true),
    tags: view.getUint8(4),
    opcode: view.getUint16(6, true),
    instructionPointer: view.getBigUint64(8, true),
    dataPointer: view.getBigUint64(16, true),
    stack: Array.from({ length: 8 }, (_, i) => ({
      significand: view.getBigUint64(32 + 16 * i, true),
      signExponent: view.getUint16(40 + 16 * i, true),
    })),
  };
}

export function x87OfState(state: CpuState): X87Image {
  const unit = new X87Unit(state);
  const { control, status, opcode, instructionPointer, dataPointer } = unit;
  const stack = Array.from({ length: 8 }, (_, i) => unit.st(i));
  const tags = unit.abridgedTags;
  return { control, status, tags, opcode, instructionPointer, dataPointer, stack };
}

export function setX87(state: CpuState, image: X87Image): void {
  const unit = new X87Unit(state);
  unit.control = image.control;
  unit.status = image.status;
  unit.abridgedTags = image.tags;
  unit.opcode = image.opcode;
  unit.instructionPointer = image.instructionPointer;
  unit.dataPointer = image.dataPointer;
  image.stack.forEach((value, i) => unit.setPhysical((unit.top + i) & 7, value));
}

const ES = 0x80;
const text = ({ signExponent, significand }: F80): string =>
  `${signExponent.toString(16)}:${significand.toString(16)}`;

export function differencesOfX87(
  theirs: X87Image,
  ours: X87Image,
  compare: (what: string, theirs: string, ours: string) => void,
): void {
  const hex = (what: string, a: number | bigint, b: number | bigint): void =>
    compare(what, a.toString(16), b.toString(16));
  hex("x87 control", theirs.control, ours.control);
  hex("x87 status", theirs.status, ours.status);
  hex("x87 tags", theirs.tags, ours.tags);
  // An AMD processor shows the pointers while an exception is pending, and else zeros.
  if ((theirs.status & ES) !== 0) {
    hex("x87 opcode", theirs.opcode, ours.opcode);
    hex("x87 instruction pointer", theirs.instructionPointer, ours.instructionPointer);
    hex("x87 data pointer", theirs.dataPointer, ours.dataPointer);
  }
  theirs.stack.forEach((value, i) => compare(`ST(${i})`, text(value), text(ours.stack[i] as F80)));
}
