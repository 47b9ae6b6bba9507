/**
 * Status flags in a tree: what the last instruction that set them has left, kept as it is until a flag is read or all
 * have to be where other code finds them. Most are overwritten before that.
 */

import type { MicroOp, OperandWidth, StatusFlag } from "../uop.ts";
import {
  readFlag,
  signExtend,
  storeArithmeticFlags,
  storeLogicFlags,
  storeStatus,
} from "./emit-flags.ts";
import type { FunctionBody } from "./wasm.ts";

/** Numbers are locals: values of 64 bits, and i32 for a flag. */
export type Flags =
  /** In the CPU's block. */
  | { readonly from: "block" }
  | {
      readonly from: "flagsOfAdd" | "flagsOfSub";
      readonly a: number;
      readonly b: number;
      readonly result: number;
      readonly of: OperandWidth;
      /** No carry came in. */
      readonly plain: boolean;
    }
  | { readonly from: "flagsOfLogic"; readonly result: number; readonly of: OperandWidth }
  | {
      readonly from: "setFlags";
      readonly flags: Readonly<Partial<Record<StatusFlag, number>>>;
      readonly result: number | null;
      readonly of: OperandWidth;
      /** Where the other flags are. */
      readonly others: Flags;
    };

export const IN_BLOCK: Flags = { from: "block" };
const ALL = ["CF", "PF", "AF", "ZF", "SF", "OF"] as const;
const OF_RESULT: ReadonlySet<StatusFlag> = new Set(["PF", "ZF", "SF"]);

const gives = ({ flags, result }: Flags & { from: "setFlags" }, flag: StatusFlag): boolean =>
  flags[flag] !== undefined || (result !== null && OF_RESULT.has(flag));

/** Flags of which some are set; what they hide of the others is left out. */
export function setOver(set: Flags & { from: "setFlags" }): Flags {
  const open = ALL.filter((flag) => !gives(set, flag));
  let { others } = set;
  while (others.from === "setFlags") {
    const below = others;
    if (open.some((flag) => gives(below, flag))) break;
    others = below.others;
  }
  return { ...set, others };
}

export const depthOf = (flags: Flags): number =>
  flags.from === "setFlags" ? 1 + depthOf(flags.others) : 0;

/** The locals that they need. */
export function localsOf(flags: Flags): readonly number[] {
  switch (flags.from) {
    case "block":
      return [];
    case "flagsOfLogic":
      return [flags.result];
    case "setFlags": {
      const own = Object.values(flags.flags);
      return [...own, ...(flags.result === null ? [] : [flags.result]), ...localsOf(flags.others)];
    }
    default:
      return [flags.a, flags.b, flags.result];
  }
}

/** Puts them into the CPU's block. */
export function storeAll(body: FunctionBody, flags: Flags): void {
  switch (flags.from) {
    case "block":
      return;
    case "flagsOfLogic":
      storeLogicFlags([flags.result], body, { op: "flagsOfLogic", of: flags.of, result: 0 });
      return;
    case "setFlags": {
      const locals: number[] = [];
      const numbers: Partial<Record<StatusFlag, number>> = {};
      for (const [flag, local] of Object.entries(flags.flags))
        numbers[flag as StatusFlag] = locals.push(local) - 1;
      const result = flags.result === null ? null : locals.push(flags.result) - 1;
      const micro: MicroOp & { op: "setFlags" } = {
        op: "setFlags",
        flags: numbers,
        result,
        of: flags.of,
      };
      storeStatus(locals, body, micro, (flag) => read(body, flags.others, flag));
      return;
    }
    default:
      storeArithmeticFlags([flags.a, flags.b, flags.result], body, {
        op: flags.from,
        of: flags.of,
        a: 0,
        b: 1,
        result: 2,
      });
  }
}

/** Leaves one flag as an i32. */
export function read(body: FunctionBody, flags: Flags, flag: StatusFlag): void {
  switch (flags.from) {
    case "block":
      readFlag(body, flag);
      return;
    case "flagsOfLogic":
      if (OF_RESULT.has(flag)) readOfResult(body, flags, flag);
      else body.i32(0);
      return;
    case "setFlags": {
      const local = flags.flags[flag];
      if (local !== undefined) body.get(local);
      else if (flags.result !== null && OF_RESULT.has(flag))
        readOfResult(body, { result: flags.result, of: flags.of }, flag);
      else read(body, flags.others, flag);
      return;
    }
    default:
      if (OF_RESULT.has(flag)) readOfResult(body, flags, flag);
      else readCarries(body, flags, flag);
  }
}

function readOfResult(
  body: FunctionBody,
  { result, of }: { readonly result: number; readonly of: OperandWidth },
  flag: StatusFlag,
): void {
  body.get(result);
  if (flag === "ZF") {
    body.op("i64.eqz");
  } else if (flag === "SF") {
    body.i64(BigInt(of - 1)).op("i64.shr_u", "i32.wrap_i64");
  } else {
    body.op("i32.wrap_i64").i32(255).op("i32.and", "i32.popcnt").i32(1).op("i32.and", "i32.eqz");
  }
}

/** CF, OF and AF of a sum or difference. */
function readCarries(
  body: FunctionBody,
  { from, a, b, result, of, plain }: Flags & { from: "flagsOfAdd" | "flagsOfSub" },
  flag: StatusFlag,
): void {
  const bit = (index: number): FunctionBody => {
    body.i64(BigInt(index)).op("i64.shr_u", "i32.wrap_i64").i32(1).op("i32.and");
    return body;
  };
  if (flag === "AF") {
    body.get(a).get(b).op("i64.xor").get(result).op("i64.xor");
    bit(4);
  } else if (flag === "OF") {
    // The operands have one sign, or for a difference two, and the result another than the first.
    body.get(a).get(b).op("i64.xor");
    if (from === "flagsOfAdd") body.i64(-1n).op("i64.xor");
    body.get(a).get(result).op("i64.xor", "i64.and");
    bit(of - 1);
  } else if (plain) {
    if (from === "flagsOfSub") body.get(a).get(b);
    else body.get(result).get(a);
    body.op("i64.lt_u");
  } else {
    // The carry out of the highest bit.
    const first = (): void => {
      body.get(a);
      if (from === "flagsOfSub") body.i64(-1n).op("i64.xor");
    };
    first();
    body.get(b).op("i64.and");
    first();
    body.get(b).op("i64.or").get(result);
    if (from === "flagsOfAdd") body.i64(-1n).op("i64.xor");
    body.op("i64.and", "i64.or");
    bit(of - 1);
  }
}

/**
 * Leaves SF ^ OF, which says of a comparison whether the first operand is less as a signed number; false where that
 * takes more.
 */
export function readLess(body: FunctionBody, flags: Flags): boolean {
  if (flags.from === "flagsOfLogic") {
    readOfResult(body, flags, "SF");
    return true;
  }
  if (flags.from !== "flagsOfSub" || !flags.plain) return false;
  body.get(flags.a);
  signExtend(body, flags.of);
  body.get(flags.b);
  signExtend(body, flags.of);
  body.op("i64.lt_s");
  return true;
}
