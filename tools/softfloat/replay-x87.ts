/**
 * Replays x87 instructions that a processor has executed and says where the library differs.
 *
 * A record is one line: mnemonic, control word, ST(0), ST(1), memory operand before, then what the
 * processor left: status word, ST(0), ST(1), ST(2), memory operand, arithmetic bits of RFLAGS; all
 * in hexadecimal, an 80-bit register as 20 digits, memory as 32 digits of a 128-bit little-endian
 * number. Mnemonics carry the width of a memory operand (fadd32, fist16). Registers beyond ST(1)
 * were empty, the status word was 0 and the memory operand beyond the operand was left as it was.
 */

import {
  ALL_FLAGS,
  F32,
  F64,
  F80,
  fromInteger,
  type Operand,
  type Outcome,
  x87,
} from "../../src/hw/cpu/softfloat/index.ts";

interface Before {
  readonly control: number;
  readonly st0: F80;
  readonly st1: F80;
  readonly memory: bigint;
}

/** What the library says: undefined means "as it was". */
interface Prediction {
  readonly flags: number;
  /** Condition codes it promises, and which of them. */
  readonly condition: number;
  readonly conditionMask: number;
  readonly stack: readonly F80[];
  readonly memory: bigint;
  readonly rflags?: number;
  /** Units of the last place by which the processor's registers may be elsewhere. */
  readonly tolerance?: number;
}

type Instruction = (before: Before) => Prediction;

function parse80(hex: string): F80 {
  return {
    signExponent: Number.parseInt(hex.slice(0, 4), 16),
    significand: BigInt(`0x${hex.slice(4)}`),
  };
}

function format80(value: F80): string {
  return (
    value.signExponent.toString(16).padStart(4, "0") +
    value.significand.toString(16).padStart(16, "0")
  );
}

const { C0, C1, C2, C3 } = x87;

function c1Of(result: Outcome<unknown>): { condition: number; conditionMask: number } {
  return { condition: result.roundedUp ? C1 : 0, conditionMask: C1 };
}

/** An instruction that replaces ST(0). */
function replaces(result: Outcome<F80>, before: Before): Prediction {
  return {
    flags: result.flags,
    ...c1Of(result),
    stack: [result.stored ? result.value : before.st0, before.st1],
    memory: before.memory,
  };
}

/** An instruction that pushes. */
function pushes(result: Outcome<F80>, before: Before): Prediction {
  const rest = [before.st0, before.st1];
  return {
    flags: result.flags,
    condition: 0,
    conditionMask: result.stored ? C1 : 0,
    stack: result.stored ? [result.value, ...rest] : rest,
    memory: before.memory,
  };
}

/** An instruction that writes the low `bits` of memory, and pops if told. */
function writes(result: Outcome<bigint>, bits: number, pops: boolean, before: Before): Prediction {
  const kept = (before.memory >> BigInt(bits)) << BigInt(bits);
  return {
    flags: result.flags,
    ...c1Of(result),
    stack: result.stored && pops ? [before.st1] : [before.st0, before.st1],
    memory: result.stored ? kept | BigInt.asUintN(bits, result.value) : before.memory,
  };
}

function compares(result: Outcome<number>, before: Before): Prediction {
  return {
    flags: result.flags,
    condition: result.value,
    conditionMask: result.stored ? C0 | C1 | C2 | C3 : 0,
    stack: [before.st0, before.st1],
    memory: before.memory,
  };
}

function comparesToRflags(result: Outcome<number>, before: Before): Prediction {
  return {
    flags: result.flags,
    condition: 0,
    conditionMask: result.stored ? C1 : 0,
    stack: [before.st0, before.st1],
    memory: before.memory,
    ...(result.stored ? { rflags: result.value } : {}),
  };
}

type Binary = (x: Operand, y: Operand, controlWord: number) => Outcome<F80>;
type Unary = (x: Operand, controlWord: number) => Outcome<F80>;

const registers =
  (operation: Binary): Instruction =>
  (before) =>
    replaces(operation(F80.unpack(before.st0), F80.unpack(before.st1), before.control), before);

const alone =
  (operation: Unary): Instruction =>
  (before) =>
    replaces(operation(F80.unpack(before.st0), before.control), before);

type Reader = (memory: bigint) => Operand;
const m32: Reader = (memory) => F32.unpack(Number(memory & 0xffff_ffffn));
const m64: Reader = (memory) => F64.unpack(BigInt.asUintN(64, memory));
const integer =
  (width: number): Reader =>
  (memory) =>
    fromInteger(BigInt.asIntN(width, memory));

const withMemory =
  (operation: Binary, read: Reader): Instruction =>
  (before) =>
    replaces(operation(F80.unpack(before.st0), read(before.memory), before.control), before);

const reversed =
  (operation: Binary): Binary =>
  (x, y, controlWord) =>
    operation(y, x, controlWord);

const partialRemainder =
  (operation: typeof x87.fprem): Instruction =>
  (before) => {
    const result = operation(F80.unpack(before.st0), F80.unpack(before.st1), before.control);
    // After an invalid operation or a denormal trap the quotient bits have no meaning.
    const conditionMask = (result.flags & 1) !== 0 || !result.stored ? 0 : C0 | C1 | C2 | C3;
    return { ...replaces(result, before), condition: result.condition, conditionMask };
  };

const extract: Instruction = (before) => {
  const result = x87.fxtract(F80.unpack(before.st0), before.control);
  const unchanged = [before.st0, before.st1];
  return {
    ...pushes(result, before),
    stack: result.stored ? [result.value, result.exponent, before.st1] : unchanged,
  };
};

const examine: Instruction = (before) => ({
  flags: 0,
  condition: x87.fxam(before.st0),
  conditionMask: C0 | C1 | C2 | C3,
  stack: [before.st0, before.st1],
  memory: before.memory,
});

const exact = (value: F80): Outcome<F80> => ({ value, flags: 0, roundedUp: false, stored: true });

const constant =
  (name: x87.ConstantName): Instruction =>
  (before) =>
    pushes(exact(x87.fldConstant(name, before.control)), before);

const ZERO = F80.unpack(F80.pack(0, 0, 0n));

type Comparison = typeof x87.fcom;
const comparing =
  (compare: Comparison, read?: Reader): Instruction =>
  (before) => {
    const y = read === undefined ? F80.unpack(before.st1) : read(before.memory);
    return compares(compare(F80.unpack(before.st0), y, before.control), before);
  };

const comparingToRflags =
  (compare: Comparison): Instruction =>
  (before) =>
    comparesToRflags(
      compare(F80.unpack(before.st0), F80.unpack(before.st1), before.control),
      before,
    );

const storesInteger =
  (operation: typeof x87.fist, width: 16 | 32 | 64, pops: boolean): Instruction =>
  (before) =>
    writes(operation(before.st0, width, before.control), width, pops, before);

const storesF32: Instruction = (before) => {
  const result = x87.fst(F32, before.st0, before.control);
  return writes({ ...result, value: BigInt(result.value) }, 32, false, before);
};

/** Units of the last place that a processor may be away from the correctly rounded result. */
const TRANSCENDENTAL_ULPS = 1;

/** The processor's own last rounding decides C1, so only C2 is compared. */
function transcendental(prediction: Prediction, outOfRange = false): Prediction {
  const condition = outOfRange ? C2 : 0;
  return { ...prediction, condition, conditionMask: C2, tolerance: TRANSCENDENTAL_ULPS };
}

function leavesAll(before: Before): Prediction {
  const stack = [before.st0, before.st1];
  return { flags: 0, condition: 0, conditionMask: 0, stack, memory: before.memory };
}

const ONE: F80 = { signExponent: 0x3fff, significand: 1n << 63n };

function isNaN(value: F80): boolean {
  return (value.signExponent & 0x7fff) === 0x7fff && value.significand !== 1n << 63n;
}

const trigonometric =
  (operation: typeof x87.fsin, pushed?: F80): Instruction =>
  (before) => {
    const result = operation(F80.unpack(before.st0), before.control);
    if (result === "out of range") return transcendental(leavesAll(before), true);
    const replaced = replaces(result, before);
    if (pushed === undefined || !result.stored) return transcendental(replaced);
    const top = isNaN(result.value) ? result.value : pushed;
    return transcendental({ ...replaced, stack: [top, result.value, before.st1] });
  };

const sineAndCosine: Instruction = (before) => {
  const result = x87.fsincos(F80.unpack(before.st0), before.control);
  if (result === "out of range") return transcendental(leavesAll(before), true);
  const replaced = replaces(result, before);
  if (!result.stored) return transcendental(replaced);
  return transcendental({ ...replaced, stack: [result.cosine, result.value, before.st1] });
};

/** Operates on ST(0) and ST(1) and pops, so that the result is the only register left. */
const popping =
  (operation: Binary): Instruction =>
  (before) => {
    const result = operation(F80.unpack(before.st0), F80.unpack(before.st1), before.control);
    const prediction = transcendental(replaces(result, before));
    return result.stored ? { ...prediction, stack: [result.value] } : prediction;
  };

const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  fadd: registers(x87.fadd),
  fsub: registers(x87.fsub),
  fmul: registers(x87.fmul),
  fdiv: registers(x87.fdiv),
  fadd32: withMemory(x87.fadd, m32),
  fadd64: withMemory(x87.fadd, m64),
  fsub32: withMemory(x87.fsub, m32),
  fmul32: withMemory(x87.fmul, m32),
  fdiv64: withMemory(x87.fdiv, m64),
  fdivr32: withMemory(reversed(x87.fdiv), m32),
  fiadd16: withMemory(x87.fadd, integer(16)),
  fiadd32: withMemory(x87.fadd, integer(32)),
  fidivr32: withMemory(reversed(x87.fdiv), integer(32)),
  fsqrt: alone(x87.fsqrt),
  frndint: alone(x87.frndint),
  fscale: registers(x87.fscale),
  fxtract: extract,
  fprem: partialRemainder(x87.fprem),
  fprem1: partialRemainder(x87.fprem1),
  fxam: examine,
  fcom: comparing(x87.fcom),
  fucom: comparing(x87.fucom),
  ftst: comparing((x, _y, controlWord) => x87.fcom(x, ZERO, controlWord)),
  fcom32: comparing(x87.fcom, m32),
  fcom64: comparing(x87.fcom, m64),
  ficom16: comparing(x87.fcom, integer(16)),
  fcomi: comparingToRflags(x87.fcomi),
  fucomi: comparingToRflags(x87.fucomi),
  fld32: (before) =>
    pushes(x87.fld(F32, Number(before.memory & 0xffff_ffffn), before.control), before),
  fld64: (before) =>
    pushes(x87.fld(F64, BigInt.asUintN(64, before.memory), before.control), before),
  fild16: (before) => pushes(exact(x87.fild(BigInt.asIntN(16, before.memory))), before),
  fild32: (before) => pushes(exact(x87.fild(BigInt.asIntN(32, before.memory))), before),
  fild64: (before) => pushes(exact(x87.fild(BigInt.asIntN(64, before.memory))), before),
  fbld: (before) => pushes(exact(x87.fbld(before.memory)), before),
  fst32: storesF32,
  fst64: (before) => writes(x87.fst(F64, before.st0, before.control), 64, false, before),
  fist16: storesInteger(x87.fist, 16, false),
  fist32: storesInteger(x87.fist, 32, false),
  fistp16: storesInteger(x87.fist, 16, true),
  fistp64: storesInteger(x87.fist, 64, true),
  fisttp16: storesInteger(x87.fisttp, 16, true),
  fisttp32: storesInteger(x87.fisttp, 32, true),
  fisttp64: storesInteger(x87.fisttp, 64, true),
  fbstp: (before) => writes(x87.fbstp(before.st0, before.control), 80, true, before),
  fld1: constant("FLD1"),
  fldl2t: constant("FLDL2T"),
  fldl2e: constant("FLDL2E"),
  fldpi: constant("FLDPI"),
  fldlg2: constant("FLDLG2"),
  fldln2: constant("FLDLN2"),
  fldz: constant("FLDZ"),
  f2xm1: (before) => transcendental(alone(x87.f2xm1)(before)),
  fyl2x: popping(x87.fyl2x),
  fyl2xp1: popping(x87.fyl2xp1),
  fpatan: popping(x87.fpatan),
  fsin: trigonometric(x87.fsin),
  fcos: trigonometric(x87.fcos),
  fptan: trigonometric(x87.fptan, ONE),
  fsincos: sineAndCosine,
};

/** How many representable numbers lie between two; infinite unless both are numbers of one sign. */
function ulpsApart(a: F80, b: F80): number {
  if (a.signExponent === b.signExponent && a.significand === b.significand) return 0;
  if (isNaN(a) || isNaN(b) || ((a.signExponent ^ b.signExponent) & 0x8000) !== 0) {
    return Number.POSITIVE_INFINITY;
  }
  const place = ({ signExponent, significand }: F80): bigint =>
    (BigInt(signExponent & 0x7fff) << 63n) + BigInt.asUintN(63, significand);
  const distance = place(a) - place(b);
  return Number(distance < 0n ? -distance : distance);
}

/** Differences between a record and the library, in words; none when they agree. */
export function differences(record: string): string[] {
  const fields = record.trim().split(" ");
  const [name = "", control = "", st0 = "", st1 = "", memory = "", status = ""] = fields;
  const instruction = INSTRUCTIONS[name];
  if (instruction === undefined) return [`unknown mnemonic ${name}`];
  const predicted = instruction({
    control: Number.parseInt(control, 16),
    st0: parse80(st0),
    st1: parse80(st1),
    memory: BigInt(`0x${memory}`),
  });
  const found: string[] = [];
  const statusWord = Number.parseInt(status, 16);
  if ((statusWord & ALL_FLAGS) !== predicted.flags)
    found.push(`flags ${predicted.flags.toString(16)}`);
  if (((statusWord ^ predicted.condition) & predicted.conditionMask) !== 0) {
    found.push(`condition ${predicted.condition.toString(16)}`);
  }
  predicted.stack.forEach((value, index) => {
    const actual = parse80(fields[6 + index] ?? "");
    if (ulpsApart(value, actual) > (predicted.tolerance ?? 0)) {
      found.push(`ST(${index}) ${format80(value)}`);
    }
  });
  const memoryText = predicted.memory.toString(16).padStart(32, "0");
  if (memoryText !== fields[9]) found.push(`memory ${memoryText}`);
  const rflags = Number.parseInt(fields[10] ?? "", 16);
  if (predicted.rflags !== undefined && rflags !== predicted.rflags) {
    found.push(`rflags ${predicted.rflags.toString(16)}`);
  }
  return found;
}
