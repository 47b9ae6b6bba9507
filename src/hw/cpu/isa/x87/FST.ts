/** FST, FSTP: stores ST(0). SDM Vol. 2A, "FST/FSTP—Store Floating-Point Value". */

import type { Instruction } from "../../instruction.ts";
import {
  F32,
  F64,
  F80,
  type FloatFormat,
  packExact,
  type Outcome,
  x87,
} from "../../softfloat/index.ts";
import { INDEFINITE } from "../../x87/execution.ts";
import { x87Instruction, type X87Operation } from "../../x87/instruction.ts";
import { exactly, storing } from "../../x87/patterns.ts";

const [SINGLE, DOUBLE] = [F32, F64].map((format) =>
  BigInt(packExact(format as FloatFormat<number | bigint>, F80.unpack(INDEFINITE))),
) as [bigint, bigint];

const inFormat =
  <V extends number | bigint>(format: FloatFormat<V>) =>
  (value: F80, control: number): Outcome<bigint> => {
    const result = x87.fst(format, value, control);
    return { ...result, value: BigInt(result.value) };
  };

/** All 80 bits, as they are. */
const whole = ({ signExponent, significand }: F80): bigint =>
  (BigInt(signExponent) << 64n) | significand;

function toMemory(pops: number): X87Operation {
  const single = storing(4, inFormat(F32), SINGLE, pops);
  const double = storing(8, inFormat(F64), DOUBLE, pops);
  const extended = storing(10, (value) => exactly(whole(value)), whole(INDEFINITE), pops);
  return (x) => {
    if (x.memoryText === "m32fp") return single(x);
    return x.memoryText === "m64fp" ? double(x) : extended(x);
  };
}

function toStack(pops: number): X87Operation {
  return (x) => {
    const { unit } = x;
    const to = x.stackIndex(0);
    const store = (value: F80): void => {
      unit.setSt(to, value);
      unit.pop(pops);
    };
    if (unit.isEmpty(0)) return x.stackFault("underflow", () => store(INDEFINITE));
    return x.complete(exactly(null), () => store(unit.st(0)));
  };
}

function toEither(pops: number): X87Operation {
  const [memory, stack] = [toMemory(pops), toStack(pops)];
  return (x) => (x.isInMemory ? memory(x) : stack(x));
}

export const FST: readonly Instruction[] = [
  x87Instruction("FST", {
    forms: [
      ["D9 /2", "m32fp"],
      ["DD /2", "m64fp"],
      ["DD D0+i", "ST(i)"],
    ],
    operation: toEither(0),
  }),
  x87Instruction("FSTP", {
    forms: [
      ["D9 /3", "m32fp"],
      ["DD /3", "m64fp"],
      ["DB /7", "m80fp"],
      ["DD D8+i", "ST(i)"],
      // Reserved, and the same on every processor.
      ["DF D0+i", "ST(i)"],
      ["DF D8+i", "ST(i)"],
    ],
    operation: toEither(1),
  }),
  // Reserved; an empty ST(0) is no fault, and not copied.
  x87Instruction("FSTPNCE", {
    forms: [["D9 D8+i", "ST(i)"]],
    operation: (x) =>
      x.complete(exactly(null), () => {
        if (!x.unit.isEmpty(0)) x.unit.setSt(x.stackIndex(0), x.unit.st(0));
        x.unit.pop(1);
      }),
  }),
];
