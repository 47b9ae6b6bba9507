/**
 * What steers an operation and what it reports, decoded from the x87 control word or MXCSR.
 * SDM Vol. 1, "x87 FPU Control Word", "x87 FPU Status Register", "MXCSR Control and Status
 * Register", "x87 FPU Floating-Point Exception Conditions", "SSE/SSE2/SSE3 Exceptions".
 */

/** Exception flags, at the same bits in the x87 status word and in MXCSR. */
export const IE = 0x01;
export const DE = 0x02;
export const ZE = 0x04;
export const OE = 0x08;
export const UE = 0x10;
export const PE = 0x20;
export const ALL_FLAGS = 0x3f;
/** Found before the operation is carried out; an unmasked one leaves the destination as it was. */
export const PRE_COMPUTATION = IE | DE | ZE;

/** Rounding control, encoded as in both control registers. */
export const Rounding = { nearest: 0, down: 1, up: 2, zero: 3 } as const;
export type Rounding = (typeof Rounding)[keyof typeof Rounding];

export interface Environment {
  /** Which rules for NaN operands apply. */
  readonly unit: "x87" | "sse";
  readonly rounding: Rounding;
  /** Bits kept by add, subtract, multiply, divide and square root; more than the format has is no limit. */
  readonly precision: number;
  /** Exceptions that are unmasked. */
  readonly unmasked: number;
  /** Exceptions that leave the destination as it was. */
  readonly blocking: number;
  readonly denormalsAreZeros: boolean;
  readonly flushToZero: boolean;
}

/** The outcome of one operation. */
export interface Outcome<V> {
  /** The result; without meaning when not stored. */
  readonly value: V;
  /** Exceptions detected, masked or not. */
  readonly flags: number;
  /** The last rounding went away from zero: what the x87 unit reports in C1. */
  readonly roundedUp: boolean;
  /** The destination is written. False when an unmasked exception forbids it. */
  readonly stored: boolean;
}

export function outcome<V>(
  value: V,
  flags: number,
  roundedUp: boolean,
  environment: Environment,
): Outcome<V> {
  return { value, flags, roundedUp, stored: (flags & environment.blocking) === 0 };
}

/** Precision control: 24, reserved (works as 64), 53, 64 bits. */
const PRECISION = [24, 64, 53, 64] as const;

function x87(controlWord: number, blockable: number): Environment {
  const unmasked = ~controlWord & ALL_FLAGS;
  return {
    unit: "x87",
    rounding: ((controlWord >> 10) & 3) as Rounding,
    precision: PRECISION[(controlWord >> 8) & 3] ?? 64,
    unmasked,
    blocking: unmasked & blockable,
    denormalsAreZeros: false,
    flushToZero: false,
  };
}

/** An x87 operation whose destination is a register: overflow and underflow still store a result. */
export function x87Register(controlWord: number): Environment {
  return x87(controlWord, PRE_COMPUTATION);
}

/** An x87 store to memory: unmasked overflow and underflow store nothing. */
export function x87Memory(controlWord: number): Environment {
  return x87(controlWord, PRE_COMPUTATION | OE | UE);
}

/** An SSE operation: any unmasked exception stores nothing. */
export function sse(mxcsr: number): Environment {
  const unmasked = ~(mxcsr >> 7) & ALL_FLAGS;
  return {
    unit: "sse",
    rounding: ((mxcsr >> 13) & 3) as Rounding,
    precision: 64,
    unmasked,
    blocking: unmasked,
    denormalsAreZeros: (mxcsr & 0x40) !== 0,
    flushToZero: (mxcsr & 0x8000) !== 0,
  };
}
