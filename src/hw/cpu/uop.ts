/**
 * Micro-ops: what the semantics of an instruction is made of. A semantics function runs once for each form and
 * variant with symbolic operands and leaves a list of these; every engine reads the list and nothing else, so nothing
 * here knows which engine that is.
 *
 * A value is named by the position of the micro-op that makes it. Integers are unsigned, of 1, 8, 16, 32 or 64 bits.
 */

import type { AssistFunction } from "./assist.ts";
import type { VectorMicroOp } from "./vector.ts";

export type Width = 1 | 8 | 16 | 32 | 64;
export type OperandWidth = Exclude<Width, 1>;

/** A value: the position in the list of the micro-op that makes it. */
export interface Value {
  readonly id: number;
  readonly width: Width;
}

/** The status flags, by their place in RFLAGS (SDM Vol. 1, "EFLAGS Register"). */
export const STATUS_FLAGS = { CF: 0, PF: 2, AF: 4, ZF: 6, SF: 7, OF: 11 } as const;
export type StatusFlag = keyof typeof STATUS_FLAGS;

/** Flags that semantics may read and set; what concerns the others is an assist. */
export const OPEN_FLAGS = { ...STATUS_FLAGS, DF: 10 } as const;
export type OpenFlag = keyof typeof OPEN_FLAGS;

export const GPR_NAMES = [
  "rAX",
  "rCX",
  "rDX",
  "rBX",
  "rSP",
  "rBP",
  "rSI",
  "rDI",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
] as const;
export type GprName = (typeof GPR_NAMES)[number];

export const SEGMENT_NAMES = ["ES", "CS", "SS", "DS", "FS", "GS"] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

/** A segment named by the instruction, or the one that prefixes and the base register choose. */
export type SegmentChoice = SegmentName | "effective";

export type Binary =
  | "add"
  | "sub"
  | "mul"
  | "mulHighUnsigned"
  | "mulHighSigned"
  | "and"
  | "or"
  | "xor"
  /** Shift counts are below 64; what is shifted out is lost. */
  | "shl"
  | "shr"
  | "sar";

export type Compare = "eq" | "ltu" | "lts";
export type Unary = "not" | "popcnt" | "clz" | "ctz" | "byteSwap";

/** Exceptions that a micro-op can raise by itself: no error code, or the error code 0. */
export type PlainFault = "#DE" | "#UD" | "#NM" | "#GP(0)" | "#SS(0)" | "#BR" | "#OF";

/** What an access is for: a read that a write follows needs the right to write from the start. */
export type Intent = "read" | "modify";

export type MicroOp =
  | { readonly op: "const"; readonly width: Width; readonly value: bigint }
  /** An immediate of the instruction; for a relative operand the target's address, of 64 bits. */
  | { readonly op: "immediate"; readonly width: Width; readonly operand: number }
  | { readonly op: "readRegister"; readonly width: OperandWidth; readonly operand: number }
  | { readonly op: "readGpr"; readonly width: OperandWidth; readonly gpr: GprName }
  | { readonly op: "effectiveAddress"; readonly width: OperandWidth; readonly operand: number }
  | { readonly op: "readFlag"; readonly width: 1; readonly flag: OpenFlag }
  /** The address of the instruction that follows. */
  | { readonly op: "nextInstruction"; readonly width: 64 }
  | {
      readonly op: "load";
      readonly width: OperandWidth;
      readonly segment: SegmentChoice;
      readonly offset: number;
      readonly intent: Intent;
    }
  | {
      readonly op: "binary";
      readonly width: Width;
      readonly fn: Binary;
      readonly a: number;
      readonly b: number;
    }
  | { readonly op: "unary"; readonly width: Width; readonly fn: Unary; readonly a: number }
  | {
      readonly op: "compare";
      readonly width: 1;
      readonly fn: Compare;
      readonly a: number;
      readonly b: number;
      readonly of: Width;
    }
  | {
      readonly op: "extend";
      readonly width: Width;
      readonly signed: boolean;
      readonly a: number;
      readonly from: Width;
    }
  | { readonly op: "truncate"; readonly width: Width; readonly a: number }
  | {
      readonly op: "select";
      readonly width: Width;
      readonly condition: number;
      readonly a: number;
      readonly b: number;
    }
  /**
   * One part of a dividend of two widths, high:low, divided by an unsigned divisor. Only where the high half is below
   * the divisor, so that the quotient fits; semantics see to that with faultIf.
   */
  | {
      readonly op: "divide";
      readonly width: OperandWidth;
      readonly part: "quotient" | "remainder";
      readonly high: number;
      readonly low: number;
      readonly divisor: number;
    }
  /** Segment base and offset, without any check. */
  | {
      readonly op: "linearAddress";
      readonly width: 64;
      readonly segment: SegmentChoice;
      readonly offset: number;
    }
  /** Says that the manual leaves flags undefined when the condition holds; engines pass over it. */
  | {
      readonly op: "leaveUndefined";
      readonly condition: number;
      readonly flags: readonly StatusFlag[];
    }
  // What follows can fault or end the instruction early, and changes nothing.
  | { readonly op: "faultIf"; readonly condition: number; readonly fault: PlainFault }
  /** The instruction is over when the condition holds; what is committed stays. */
  | { readonly op: "finishIf"; readonly condition: number }
  // What follows commits.
  | {
      readonly op: "store";
      readonly width: OperandWidth;
      readonly segment: SegmentChoice;
      readonly offset: number;
      readonly value: number;
    }
  | {
      readonly op: "writeRegister";
      readonly width: OperandWidth;
      readonly operand: number;
      readonly value: number;
    }
  | {
      readonly op: "writeGpr";
      readonly width: OperandWidth;
      readonly gpr: GprName;
      readonly value: number;
    }
  /** All six status flags of a + b + carry = result. */
  | {
      readonly op: "flagsOfAdd";
      readonly of: OperandWidth;
      readonly a: number;
      readonly b: number;
      readonly result: number;
    }
  /** All six status flags of a - b - borrow = result. */
  | {
      readonly op: "flagsOfSub";
      readonly of: OperandWidth;
      readonly a: number;
      readonly b: number;
      readonly result: number;
    }
  /** SF, ZF and PF of a result; CF, OF and AF are cleared. */
  | { readonly op: "flagsOfLogic"; readonly of: OperandWidth; readonly result: number }
  /** Sets single flags to values of one bit, SF, ZF and PF from `result` if there is one, and leaves the rest. */
  | {
      readonly op: "setFlags";
      readonly flags: Readonly<Partial<Record<OpenFlag, number>>>;
      readonly result: number | null;
      readonly of: OperandWidth;
    }
  /** Goes to `target` instead of the next instruction when the condition holds; without one, always. */
  | { readonly op: "jump"; readonly condition: number | null; readonly target: number }
  /** The instruction is executed again when the condition holds: one iteration of a repeated one is over. */
  | { readonly op: "repeatIf"; readonly condition: number }
  /** A named function over the CPU's state does the rest of the instruction. */
  | { readonly op: "assist"; readonly run: AssistFunction }
  /** The same instead of what follows, when the condition holds; in an instruction without another assist. */
  | { readonly op: "assistIf"; readonly condition: number; readonly run: AssistFunction }
  | { readonly op: "readControl"; readonly width: 64; readonly register: "CR0" | "CR4" }
  /** The limit of CS. */
  | { readonly op: "codeLimit"; readonly width: 32 }
  | VectorMicroOp;

const COMMITTING: ReadonlySet<MicroOp["op"]> = new Set([
  "store",
  "writeRegister",
  "writeGpr",
  "flagsOfAdd",
  "flagsOfSub",
  "flagsOfLogic",
  "setFlags",
  "jump",
  "repeatIf",
  "writeVector",
  "writeMxcsr",
  "writeMmx",
  "enterMmx",
  "storeVector",
  "float",
]);

const FAULTING: ReadonlySet<MicroOp["op"]> = new Set([
  "load",
  "store",
  "faultIf",
  "assist",
  "assistIf",
  "loadVector",
  "storeVector",
  "float",
]);

/**
 * Why a list breaks the rule that a faulting instruction commits nothing, or null: every micro-op that can fault comes
 * before the first that commits. A store does both, so only one is allowed, before every other commit, unless it
 * follows a load of the same place with the intent to modify, which has taken the fault already. What floating point
 * adds to MXCSR stays when more of it faults.
 */
export function orderFault(list: readonly MicroOp[]): string | null {
  let commit: string | null = null;
  const modified = new Set<number>();
  for (const micro of list) {
    if (micro.op === "load" && micro.intent === "modify") modified.add(micro.offset);
    const faults = FAULTING.has(micro.op) && !(micro.op === "store" && modified.has(micro.offset));
    const again = micro.op === "float" && commit === "float";
    if (faults && commit !== null && !again)
      return `${micro.op} can fault after ${commit} has committed`;
    if (COMMITTING.has(micro.op)) commit = micro.op;
  }
  return null;
}
