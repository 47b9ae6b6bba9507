/** Sets of small numbers as the bits of a BigInt, and the expressions that name them. CIL Reference Guide, "Expressions". */

import { EMPTY, type Ebitmap } from "../policydb/ebitmap.ts";
import { type Atom, type Form, isAtom, type List, show } from "./forms.ts";
import type { Source } from "./source.ts";

export type Bits = bigint;

export const bit = (value: number): Bits => 1n << BigInt(value);

/** From `low` to `high`, both included. */
export const span = (low: number, high: number): Bits => bit(high + 1) - bit(low);

/** Ascending. */
export function numbersIn(set: Bits): number[] {
  const values: number[] = [];
  const digits = set.toString(16);
  for (let i = digits.length - 1; i >= 0; i -= 1) {
    const nibble = Number.parseInt(digits.charAt(i), 16);
    const first = (digits.length - 1 - i) * 4;
    for (let b = 0; b < 4; b += 1) if (((nibble >>> b) & 1) === 1) values.push(first + b);
  }
  return values;
}

const NODE_DIGITS = 16;

export function ebitmapOfBits(set: Bits): Ebitmap {
  if (set === 0n) return EMPTY;
  const digits = set.toString(16);
  const nodes: number[] = [];
  for (let end = digits.length; end > 0; end -= NODE_DIGITS) {
    const node = digits.slice(Math.max(0, end - NODE_DIGITS), end).padStart(NODE_DIGITS, "0");
    const low = Number.parseInt(node.slice(NODE_DIGITS / 2), 16) | 0;
    const high = Number.parseInt(node.slice(0, NODE_DIGITS / 2), 16) | 0;
    if ((low | high) !== 0) nodes.push((digits.length - end) * 4, low, high);
  }
  return nodes;
}

/** What names mean in expressions of one kind. */
export interface Universe {
  /** What `all` and `not` speak of. */
  all(): Bits;
  named(name: Atom): Bits;
  /** `range`, where there is one. */
  range?(low: Atom, high: Atom): Bits;
}

const BINARY: ReadonlyMap<string, (a: Bits, b: Bits) => Bits> = new Map([
  ["and", (a, b) => a & b],
  ["or", (a, b) => a | b],
  ["xor", (a, b) => a ^ b],
]);

/** A name, `(and x y)`, `(or x y)`, `(xor x y)`, `(not x)`, `(all)`, `(range a b)`, or a list of such. */
export function setOf(source: Source, form: Form, universe: Universe): Bits {
  if (isAtom(form)) return universe.named(form);
  const head = form.items[0];
  if (isAtom(head)) {
    const binary = BINARY.get(head.text);
    if (binary !== undefined) {
      const [a, b] = operands(source, form, 2);
      return binary(setOf(source, a as Form, universe), setOf(source, b as Form, universe));
    }
    if (head.text === "not") {
      return universe.all() & ~setOf(source, operands(source, form, 1)[0] as Form, universe);
    }
    if (head.text === "all") {
      operands(source, form, 0);
      return universe.all();
    }
    if (head.text === "range" && universe.range !== undefined) {
      const [low, high] = operands(source, form, 2);
      if (!isAtom(low) || !isAtom(high)) source.fail(form, "expected (range low high)");
      return universe.range(low, high);
    }
  }
  let union = 0n;
  for (const item of form.items) union |= setOf(source, item, universe);
  return union;
}

function operands(source: Source, form: List, count: number): readonly Form[] {
  if (form.items.length !== count + 1) {
    const what = count === 0 ? "nothing" : count === 1 ? "one operand" : "two operands";
    source.fail(form, `expected ${what} after ${show(form.items[0])}`);
  }
  return form.items.slice(1);
}
