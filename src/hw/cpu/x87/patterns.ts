/** The shapes of x87 operations, named after what they do: SDM Vol. 1, "x87 FPU Instruction Set". */

import { isFault } from "../mmu.ts";
import type { Fault } from "../fault.ts";
import { F80, Kind, type Operand, type Outcome, x87 } from "../softfloat/index.ts";
import { type Execution, INDEFINITE } from "./execution.ts";
import type { X87Operation } from "./instruction.ts";
import { CONDITIONS } from "./unit.ts";

const { C0, C1, C2, C3 } = x87;

export type Binary = (x: Operand, y: Operand, controlWord: number) => Outcome<F80>;
export type Unary = (x: Operand, controlWord: number) => Outcome<F80>;
export type Comparison = (x: Operand, y: Operand, controlWord: number) => Outcome<number>;

// Arithmetic.

/** ST(0) with a number in memory, or the first operand with the second; to the first. */
export function arithmetic(
  fn: Binary,
  { reversed = false, pops = 0 }: { readonly reversed?: boolean; readonly pops?: number } = {},
): X87Operation {
  const apply: Binary = (x, y, control) => (reversed ? fn(y, x, control) : fn(x, y, control));
  return (x) => {
    const { unit } = x;
    const to = x.isInMemory ? 0 : x.stackIndex(0);
    const other = otherOperand(x, 1);
    if (isFault(other)) return other;
    const store = (value: F80): void => {
      unit.setSt(to, value);
      unit.pop(pops);
    };
    if (unit.isEmpty(to) || other === null)
      return x.stackFault("underflow", () => store(INDEFINITE));
    const result = apply(x.number(to), other, unit.control);
    return x.complete(result, () => store(result.value));
  };
}

/** ST(0) alone. */
export function unary(fn: Unary): X87Operation {
  return (x) => {
    const { unit } = x;
    if (unit.isEmpty(0)) return x.stackFault("underflow", () => unit.setSt(0, INDEFINITE));
    const result = fn(x.number(0), unit.control);
    return x.complete(result, () => unit.setSt(0, result.value));
  };
}

/** ST(0) and ST(1), to ST(0). */
export function ofTopTwo(fn: Binary): X87Operation {
  return (x) => {
    const { unit } = x;
    if (unit.isEmpty(0) || unit.isEmpty(1))
      return x.stackFault("underflow", () => unit.setSt(0, INDEFINITE));
    const result = fn(x.number(0), x.number(1), unit.control);
    return x.complete(result, () => unit.setSt(0, result.value));
  };
}

/** ST(0) and ST(1), to ST(1), and ST(0) is popped. */
export function ofTopTwoPopping(fn: Binary): X87Operation {
  return (x) => {
    const { unit } = x;
    const store = (value: F80): void => {
      unit.setSt(1, value);
      unit.pop(1);
    };
    if (unit.isEmpty(0) || unit.isEmpty(1))
      return x.stackFault("underflow", () => store(INDEFINITE));
    const result = fn(x.number(0), x.number(1), unit.control);
    return x.complete(result, () => store(result.value));
  };
}

/** FPREM, FPREM1: the quotient's bits in the condition codes; C2 tells that there is more to do, and else is 0. */
export function remainder(fn: typeof x87.fprem): X87Operation {
  return (x) => {
    const { unit } = x;
    unit.setConditions(C2, 0);
    if (unit.isEmpty(0) || unit.isEmpty(1))
      return x.stackFault("underflow", () => unit.setSt(0, INDEFINITE));
    const result = fn(x.number(0), x.number(1), unit.control);
    return x.complete(result, () => {
      const isNumber = F80.unpack(result.value).kind < Kind.quiet;
      if (isNumber) unit.setConditions(CONDITIONS, result.condition);
      unit.setSt(0, result.value);
    });
  };
}

/** Changes the sign of ST(0), whatever it is. */
export function ofSign(fn: (signExponent: number) => number): X87Operation {
  return (x) => {
    const { unit } = x;
    if (unit.isEmpty(0)) return x.stackFault("underflow", () => unit.setSt(0, INDEFINITE));
    const { signExponent, significand } = unit.st(0);
    return x.complete(exactly(null), () =>
      unit.setSt(0, { signExponent: fn(signExponent), significand }),
    );
  };
}

// Trigonometric functions, of which the argument may be out of range.

type InRange = Exclude<x87.Trigonometric, string>;

/** Replaces ST(0); what `pushed` gives is pushed then. */
export function trigonometric<R extends InRange>(
  fn: (x: Operand, controlWord: number) => R | "out of range",
  pushed: ((result: R) => F80) | null,
): X87Operation {
  return (x) => {
    const { unit } = x;
    unit.setConditions(C2, 0);
    const replace = (value: F80, top: F80 | null): void => {
      unit.setSt(0, value);
      if (top !== null) unit.push(top);
    };
    const indefinite = (): void => replace(INDEFINITE, pushed === null ? null : INDEFINITE);
    if (unit.isEmpty(0)) return x.stackFault("underflow", indefinite);
    if (pushed !== null && !unit.isEmpty(-1)) return x.stackFault("overflow", indefinite);
    const result = fn(x.number(0), unit.control);
    if (result === "out of range") {
      unit.setConditions(C1 | C2, C2);
      return null;
    }
    return x.complete(result, () => replace(result.value, pushed === null ? null : pushed(result)));
  };
}

// Comparisons.

const UNORDERED = C3 | C2 | C0;
/** CF, PF, AF, ZF, SF and OF. */
const STATUS_FLAGS = 0x8d5n;
const UNORDERED_FLAGS = 0x45;

/** ST(0) with a number in memory, with ST(i), or with ST(1) where the form names none; to the condition codes. */
export function comparison(fn: Comparison, pops = 0): X87Operation {
  return (x) => {
    const other = otherOperand(x, 0);
    return isFault(other) ? other : compareIntoConditions(x, fn, other, pops);
  };
}

/** ST(0) with a constant; to the condition codes. */
export function comparisonWith(constant: Operand): X87Operation {
  return (x) => compareIntoConditions(x, x87.fcom, constant, 0);
}

/**
 * The codes tell also what an exception that is not masked has to say: so AMD's family 1Ah; the SDM says that they are
 * not set then.
 */
function compareIntoConditions(
  x: Execution,
  fn: Comparison,
  y: Operand | null,
  pops: number,
): null {
  const { unit } = x;
  const pop = (): void => unit.pop(pops);
  if (unit.isEmpty(0) || y === null) {
    unit.setConditions(CONDITIONS, UNORDERED);
    return x.stackFault("underflow", pop);
  }
  const result = fn(x.number(0), y, unit.control);
  unit.setConditions(CONDITIONS, result.value);
  return x.complete(result, pop);
}

/**
 * ST(0) with ST(i); to ZF, PF and CF. OF, SF and AF are cleared. The flags as the codes above; C1 stays but for a
 * stack fault, as in AMD's family 1Ah, while the SDM says that it is cleared.
 */
export function comparisonIntoFlags(fn: Comparison, pops = 0): X87Operation {
  return (x) => {
    const { unit } = x;
    const { state } = x.context;
    const tell = (flags: number): void => {
      state.rflags = (state.rflags & ~STATUS_FLAGS) | BigInt(flags);
    };
    const index = x.stackIndex(1);
    if (unit.isEmpty(0) || unit.isEmpty(index)) {
      tell(UNORDERED_FLAGS);
      return x.stackFault("underflow", () => unit.pop(pops));
    }
    const result = fn(x.number(0), x.number(index), unit.control);
    tell(result.value);
    unit.raise(result.flags);
    if (result.stored) unit.pop(pops);
    return null;
  };
}

// Loads and stores.

/** Pushes what `load` gives. */
export function pushing(load: (x: Execution) => Outcome<F80> | Fault): X87Operation {
  return (x) => {
    const { unit } = x;
    const result = load(x);
    if (isFault(result)) return result;
    if (!unit.isEmpty(-1)) return x.stackFault("overflow", () => unit.push(INDEFINITE));
    return x.complete(result, () => unit.push(result.value));
  };
}

export const exactly = <V>(value: V): Outcome<V> => ({
  value,
  flags: 0,
  roundedUp: false,
  stored: true,
});

/** Stores what `convert` makes of ST(0) in so many bytes; the response to an empty register is `indefinite`. */
export function storing(
  size: number,
  convert: (value: F80, controlWord: number) => Outcome<bigint>,
  indefinite: bigint,
  pops: number,
): X87Operation {
  return (x) => {
    const { unit } = x;
    // Memory comes first: an instruction that faults raises nothing.
    const fault = x.tryStore(size);
    if (fault !== null) return fault;
    const store = (value: bigint): void => {
      x.storeInteger(size, BigInt.asUintN(8 * size, value));
      unit.pop(pops);
    };
    if (unit.isEmpty(0)) return x.stackFault("underflow", () => store(indefinite));
    const result = convert(unit.st(0), unit.control);
    return x.complete(result, () => store(result.value));
  };
}

/** As an integer of the width of the operand; the response to an empty register is the most negative one. */
export function storingInteger(fn: typeof x87.fist, pops: number): X87Operation {
  const ofWidth = (width: 16 | 32 | 64): X87Operation =>
    storing(
      width / 8,
      (value, control) => fn(value, width, control),
      -(1n << BigInt(width - 1)),
      pops,
    );
  const [words, doublewords, quadwords] = [ofWidth(16), ofWidth(32), ofWidth(64)];
  return (x) => {
    if (x.memoryText === "m16int") return words(x);
    return x.memoryText === "m32int" ? doublewords(x) : quadwords(x);
  };
}

// Inside.

/** The other number: in memory, in the register that an operand names, or in ST(1). Null when that is empty. */
function otherOperand(x: Execution, operand: number): Operand | Fault | null {
  if (x.isInMemory) return x.loadNumber();
  const index = x.operandCount > operand ? x.stackIndex(operand) : 1;
  return x.unit.isEmpty(index) ? null : x.number(index);
}
