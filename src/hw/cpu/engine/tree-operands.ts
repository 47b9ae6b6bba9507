/** Operands of a decoded instruction as trees take them: numbers of registers, and values that are known beforehand. */

import type { Decoded } from "../decode.ts";
import { binary, compare, unary } from "../reference.ts";
import { gprNumber } from "../state.ts";
import type { GprName, MicroOp, Width } from "../uop.ts";
import type { BlockInstruction } from "./blocks.ts";

/** The number of the register that a micro-op names, and whether it is the high byte. */
export function registerOf(
  decoded: Decoded,
  micro: { readonly operand?: number; readonly gpr?: GprName },
): readonly [number: number, high: boolean] {
  if (micro.gpr !== undefined) return [gprNumber(micro.gpr), false];
  const operand = decoded.operands[micro.operand as number];
  if (operand?.is !== "register") throw new RangeError("the operand is a register");
  return [operand.register.number, operand.register.high];
}

/** General-purpose registers that an instruction reads, or writes a part of. */
export function registersRead({ decoded, handler: { list } }: BlockInstruction): readonly number[] {
  const numbers: number[] = [];
  for (const operand of decoded.operands) {
    if (operand.is !== "memory") continue;
    const { base, index } = operand.memory;
    if (typeof base === "number") numbers.push(base);
    if (index !== null) numbers.push(index);
  }
  for (const micro of list) {
    const reads = micro.op === "readGpr" || micro.op === "readRegister";
    const writes = micro.op === "writeGpr" || micro.op === "writeRegister";
    if (reads || (writes && micro.width < 32)) numbers.push(registerOf(decoded, micro)[0]);
  }
  return numbers;
}

interface Placed {
  readonly decoded: Decoded;
  readonly nextRip: bigint;
}

/** The value of a micro-op whose inputs are known, by the numbers of values; undefined for the others. */
export function constantOf(
  micro: MicroOp,
  constants: readonly (bigint | undefined)[],
  at: Placed,
): bigint | undefined {
  const of = (input: number): bigint | undefined => constants[input];
  switch (micro.op) {
    case "const":
      return micro.value;
    case "immediate":
      return immediate(at, micro.operand, micro.width);
    case "nextInstruction":
      return at.nextRip;
    case "binary": {
      const [a, b] = [of(micro.a), of(micro.b)];
      if (micro.fn === "and" && (a === 0n || b === 0n)) return 0n;
      return a === undefined || b === undefined ? undefined : binary(micro.fn, a, b, micro.width);
    }
    case "unary": {
      const a = of(micro.a);
      return a === undefined ? undefined : unary(micro.fn, a, micro.width);
    }
    case "compare": {
      const [a, b] = [of(micro.a), of(micro.b)];
      if (a === undefined || b === undefined) return undefined;
      return compare(micro.fn, a, b, micro.of) ? 1n : 0n;
    }
    case "extend": {
      const a = of(micro.a);
      if (a === undefined || !micro.signed) return a;
      return BigInt.asUintN(micro.width, BigInt.asIntN(micro.from, a));
    }
    case "truncate": {
      const a = of(micro.a);
      return a === undefined ? undefined : BigInt.asUintN(micro.width, a);
    }
    default:
      return undefined;
  }
}

/** Relative operands are the target's address, truncated to the operand size. */
function immediate({ decoded, nextRip }: Placed, index: number, width: Width): bigint {
  const operand = decoded.operands[index];
  const value = operand?.is === "immediate" ? operand.value : 0n;
  if (decoded.form.operands[index]?.kind !== "relative") return BigInt.asUintN(width, value);
  return BigInt.asUintN(decoded.operandSize, nextRip + value);
}
