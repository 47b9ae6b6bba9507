/**
 * The comparison of PCMPESTRI, PCMPESTRM, PCMPISTRI and PCMPISTRM: SDM Vol. 1, "SSE4.2 String and Text Instructions";
 * Vol. 2, "Imm8 Control Byte Operation for PCMPESTRI/PCMPESTRM/PCMPISTRI/PCMPISTRM".
 */

import type { AssistContext, AssistFunction } from "./assist.ts";
import type { Fault } from "./fault.ts";
import { lanesOf, vectorOf } from "./vector.ts";

/** The control byte, taken apart. */
interface Control {
  readonly bits: 8 | 16;
  readonly signed: boolean;
  readonly aggregation: "equal any" | "ranges" | "equal each" | "equal ordered";
  readonly negates: boolean;
  /** Only what is valid in the second string is negated. */
  readonly masked: boolean;
  /** The index is that of the highest bit; the mask is of whole elements. */
  readonly wide: boolean;
}

const AGGREGATIONS = ["equal any", "ranges", "equal each", "equal ordered"] as const;

function controlOf(imm: number): Control {
  return {
    bits: (imm & 1) === 0 ? 8 : 16,
    signed: (imm & 2) !== 0,
    aggregation: AGGREGATIONS[(imm >> 2) & 3] ?? "equal any",
    negates: (imm & 0x10) !== 0,
    masked: (imm & 0x20) !== 0,
    wide: (imm & 0x40) !== 0,
  };
}

/** Elements of a string, of which the first `length` are valid. */
interface Text {
  readonly elements: readonly bigint[];
  readonly length: number;
}

/** Whether an element of the first string and one of the second match, by the rules for what is not valid. */
function matches(
  aggregation: Control["aggregation"],
  a: Text,
  i: number,
  b: Text,
  j: number,
): boolean {
  const [inA, inB] = [i < a.length, j < b.length];
  const [x, y] = [a.elements[i] as bigint, b.elements[j] as bigint];
  if (inA && inB) {
    if (aggregation !== "ranges") return x === y;
    return i % 2 === 0 ? x <= y : y <= x;
  }
  if (aggregation === "equal each") return inA === inB;
  return aggregation === "equal ordered" && !inA;
}

/** For each element of the second string whether the first has it, spans it, equals it or begins at it. */
function aggregate({ aggregation }: Control, a: Text, b: Text): boolean[] {
  const numbers = [...a.elements.keys()];
  const match = (i: number, j: number): boolean => matches(aggregation, a, i, b, j);
  return numbers.map((j) => {
    switch (aggregation) {
      case "equal any":
        return numbers.some((i) => match(i, j));
      case "ranges":
        return numbers.some((i) => i % 2 === 0 && match(i, j) && match(i + 1, j));
      case "equal each":
        return match(j, j);
      case "equal ordered":
        return numbers.slice(0, numbers.length - j).every((i) => match(i, j + i));
    }
  });
}

const [CF, PF, AF, ZF, SF, OF] = [0x001n, 0x004n, 0x010n, 0x040n, 0x080n, 0x800n];
const ALL = CF | PF | AF | ZF | SF | OF;

const RAX = 0;
const RCX = 1;
const RDX = 2;

/** A length given in a register: its absolute value, at most the number of elements. */
function explicitLength(context: AssistContext, register: number, most: number): number {
  const { operandSize } = context.decoded;
  const value = BigInt.asIntN(operandSize === 64 ? 64 : 32, context.state.gpr(register));
  const length = value < 0n ? -value : value;
  return length < BigInt(most) ? Number(length) : most;
}

function implicitLength(elements: readonly bigint[]): number {
  const end = elements.indexOf(0n);
  return end === -1 ? elements.length : end;
}

function secondOperand(context: AssistContext): bigint | Fault {
  if (context.operand(1).is === "register") return context.state.xmm(context.register(1));
  const bytes = context.loadBytes("effective", context.offset(1), 16);
  return "vector" in bytes ? bytes : vectorOf(Array.from(bytes, BigInt), 8);
}

/** The rest of such an instruction: where strings end, and what becomes of the comparison. */
export function compareStrings(
  lengths: "explicit" | "implicit",
  result: "index" | "mask",
): AssistFunction {
  return (context) => {
    const { state } = context;
    const second = secondOperand(context);
    if (typeof second !== "bigint") return second;
    const imm = context.operand(2) as { readonly value: bigint };
    const control = controlOf(Number(imm.value));
    const text = (vector: bigint, register: number): Text => {
      const lanes = lanesOf(vector, control.bits);
      const length =
        lengths === "explicit"
          ? explicitLength(context, register, lanes.length)
          : implicitLength(lanes);
      const read = (x: bigint): bigint => (control.signed ? BigInt.asIntN(control.bits, x) : x);
      return { elements: lanes.map(read), length };
    };
    const a = text(state.xmm(context.register(0)), RAX);
    const b = text(second, RDX);
    const found = aggregate(control, a, b).map(
      (bit, j) => bit !== (control.negates && (!control.masked || j < b.length)),
    );
    if (result === "index") state.setGpr(RCX, BigInt(indexOf(found, control)));
    else state.setXmm(0, maskOf(found, control));
    const full = found.length;
    const flags =
      (found.includes(true) ? CF : 0n) |
      (b.length < full ? ZF : 0n) |
      (a.length < full ? SF : 0n) |
      (found[0] === true ? OF : 0n);
    state.rflags = (state.rflags & ~ALL) | flags;
    return null;
  };
}

function indexOf(found: readonly boolean[], { wide }: Control): number {
  const index = wide ? found.lastIndexOf(true) : found.indexOf(true);
  return index === -1 ? found.length : index;
}

function maskOf(found: readonly boolean[], { wide, bits }: Control): bigint {
  const lane = wide ? bits : 1;
  return vectorOf(
    found.map((bit) => (bit ? -1n : 0n)),
    lane,
  );
}
