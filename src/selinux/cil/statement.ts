/** What a statement is to the compiler: a keyword, when it is read, and what it does. */

import type { Compilation } from "./compilation.ts";
import { type Atom, type Form, isAtom, type List, show } from "./forms.ts";

/**
 * Statements may stand in any order, so all are gone through once for each phase: names, then
 * what is said of names alone, then what sets consist of, then who has what, then rules, then rules
 * under conditions.
 */
export const PHASES = ["declare", "order", "collect", "relate", "rule", "condition"] as const;
export type Phase = (typeof PHASES)[number];

export interface Statement {
  readonly phase: Phase;
  /** As in an error: `(type name)`. */
  readonly form: string;
  /** How many operands. */
  readonly operands: readonly [least: number, most: number];
  compile(c: Compilation, operands: readonly Form[], statement: List): void;
}

export type Statements = Readonly<Record<string, Statement>>;

/** The operand must be a name or a string. */
export function atomOf(c: Compilation, form: Form | undefined, statement: List): Atom {
  if (!isAtom(form)) c.fail(form ?? statement, `expected a name, found ${show(form)}`);
  return form;
}

/** One of these words. */
export function wordOf<T extends string>(c: Compilation, form: Form, words: readonly T[]): T {
  const found = isAtom(form) ? words.find((word) => word === form.text) : undefined;
  if (found === undefined) c.fail(form, `expected ${words.join(", ")}, found ${show(form)}`);
  return found;
}

/** A number in digits or as 0x…, at most `most`. */
export function numberOf(
  c: Compilation,
  form: Form | undefined,
  statement: List,
  most: number,
): number {
  const atom = atomOf(c, form, statement);
  const value = /^(\d+|0[xX][\da-fA-F]+)$/.test(atom.text) ? Number(atom.text) : -1;
  if (value < 0 || value > most)
    c.fail(atom, `expected a number up to ${most}, found ${show(atom)}`);
  return value;
}
