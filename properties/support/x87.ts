/** Arbitraries for the x87 unit: numbers of every class, stacks of every filling, control words. */

import fc from "fast-check";
import type { F80 } from "../../src/hw/cpu/softfloat/index.ts";
import type { CpuState } from "../../src/hw/cpu/state.ts";
import { X87Unit } from "../../src/hw/cpu/x87/unit.ts";

/** What a program finds in the unit. */
export interface X87Start {
  readonly control: number;
  readonly status: number;
  /** A bit for each physical register that is not empty. */
  readonly tags: number;
  /** R0 to R7. */
  readonly registers: readonly F80[];
}

/** As a reset and FNINIT leave it. */
export const INITIAL_X87: X87Start = { control: 0x37f, status: 0, tags: 0, registers: [] };

const ALL_MASKED = 0x3f;
const TOP_AND_CONDITIONS = 0x7f00;

export function anyF80(): fc.Arbitrary<F80> {
  const one = 1n << 63n;
  const significand = fc.oneof(
    fc.bigInt({ min: one, max: 2n * one - 1n }),
    fc.constantFrom(one, one + 1n, 2n * one - 1n, 3n << 62n),
    fc.bigInt({ min: one, max: one + 0xffffn }).map((bits) => ((bits << 48n) % one) | one),
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    { weight: 1, arbitrary: fc.constantFrom(0n, 1n, 1n << 62n) },
  );
  const exponent = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0x3ff0, max: 0x4050 }) },
    { weight: 2, arbitrary: fc.constantFrom(0, 1, 0x3fff, 0x7ffe, 0x7fff) },
    { weight: 1, arbitrary: fc.nat(0x7fff) },
  );
  return fc
    .tuple(fc.nat(1), exponent, significand)
    .map(([sign, e, s]) => ({ signExponent: (sign << 15) | e, significand: s }));
}

/** Mostly with every exception masked. */
export function anyControl(): fc.Arbitrary<number> {
  const masks = fc.oneof(
    { weight: 3, arbitrary: fc.constant(ALL_MASKED) },
    { weight: 1, arbitrary: fc.nat(ALL_MASKED) },
  );
  return fc.tuple(masks, fc.nat(15)).map(([m, rounding]) => 0x40 | m | (rounding << 8));
}

/** Without a pending exception, unless `isPending` lets flags be what they are. */
export function anyX87(isPending = false): fc.Arbitrary<X87Start> {
  return fc
    .record({
      control: anyControl(),
      status: fc.nat(0x7fff),
      tags: fc.oneof(fc.nat(0xff), fc.constantFrom(0, 0xff, 0x0f, 0xf0, 0x7e)),
      registers: fc.array(anyF80(), { minLength: 8, maxLength: 8 }),
    })
    .map((start) => {
      const flags = isPending ? 0x7f : start.control & ALL_MASKED;
      return { ...start, status: start.status & (TOP_AND_CONDITIONS | flags) };
    });
}

export function startX87(state: CpuState, { control, status, tags, registers }: X87Start): void {
  const unit = new X87Unit(state);
  unit.control = control;
  unit.status = status;
  unit.abridgedTags = tags;
  registers.forEach((value, i) => unit.setPhysical(i, value));
}

/** All of the unit, as text. */
export function lookAtX87(state: CpuState): string {
  const unit = new X87Unit(state);
  const { control, status, fullTags, opcode, instructionPointer, dataPointer } = unit;
  const registers = Array.from({ length: 8 }, (_, i) => {
    const { signExponent, significand } = unit.physical(i);
    return `${signExponent.toString(16)}:${significand.toString(16)}`;
  });
  return [control, status, fullTags, opcode, instructionPointer, dataPointer]
    .map((word) => word.toString(16))
    .concat(registers)
    .join(" ");
}
