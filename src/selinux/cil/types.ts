/** Types, their attributes and other names. CIL Reference Guide, "Type Statements". */

import type { Compilation } from "./compilation.ts";
import type { Alias, AttributeEntry, TypeEntry } from "./entries.ts";
import { type Form, isAtom, type List, show } from "./forms.ts";
import { type Bits, bit, numbersIn, setOf, type Universe } from "./sets.ts";
import type { Place } from "./source.ts";
import { atomOf, type Statements } from "./statement.ts";

/** Rules hold values of types and attributes in 16 bits. */
const TYPES_MAX = 0xffff;

export const TYPE_STATEMENTS: Statements = {
  type: {
    phase: "declare",
    form: "(type name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      c.typeCount += 1;
      if (c.typeCount > TYPES_MAX) c.fail(statement, `expected at most ${TYPES_MAX} types`);
      const value = c.typeCount;
      const bits = bit(value - 1);
      c.types.declare(atom, { kind: "type", name: atom.text, value, bits, bounds: 0 });
    },
  },
  typealias: {
    phase: "declare",
    form: "(typealias name)",
    operands: [1, 1],
    compile: (c, [name], statement) =>
      c.types.declare(atomOf(c, name, statement), { kind: "alias", actual: null }),
  },
  typealiasactual: {
    phase: "order",
    form: "(typealiasactual alias type)",
    operands: [2, 2],
    compile: (c, [name, actual], statement) => {
      const alias = aliasOf(c, c.types.find(name, statement), name, "typealias");
      const type = c.types.find(actual, statement);
      if (type.kind !== "type") c.fail(actual as Form, `expected a type, found ${show(actual)}`);
      if (alias.actual !== null) c.fail(statement, `expected one type for ${show(name)}`);
      alias.actual = type;
    },
  },
  typeattribute: {
    phase: "declare",
    form: "(typeattribute name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      const expressions: Form[] = [];
      const members = c.lazy(atom, () =>
        expressions.reduce((union, form) => union | typesIn(c, form), 0n),
      );
      c.types.declare(atom, { kind: "attribute", name: atom.text, value: 0, expressions, members });
    },
  },
  typeattributeset: {
    phase: "collect",
    form: "(typeattributeset attribute expression)",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const attribute = c.types.find(name, statement);
      if (attribute.kind !== "attribute") {
        return c.fail(name as Form, `expected an attribute of types, found ${show(name)}`);
      }
      attribute.expressions.push(form as Form);
    },
  },
  typebounds: {
    phase: "relate",
    form: "(typebounds parent child)",
    operands: [2, 2],
    compile: (c, [parent, child], statement) => {
      const bound = typeOf(c, child, statement);
      if (bound.bounds !== 0) c.fail(child as Form, `expected one bound of ${show(child)}`);
      bound.bounds = typeOf(c, parent, statement).value;
    },
  },
  typepermissive: {
    phase: "relate",
    form: "(typepermissive type)",
    operands: [1, 1],
    compile: (c, [name], statement) => void c.permissiveTypes.add(typeOf(c, name, statement).value),
  },
};

/** The alias that stands there. */
export function aliasOf<T>(
  c: Compilation,
  entry: { readonly kind: string },
  name: Form | undefined,
  statement: string,
): Alias<T> {
  if (entry.kind !== "alias") {
    c.fail(name ?? { at: 0 }, `expected what ${statement} declares, found ${show(name)}`);
  }
  return entry as Alias<T>;
}

/** A type or an attribute; aliases are followed. */
export function typeOrAttributeOf(
  c: Compilation,
  name: Form | undefined,
  place: Place,
): TypeEntry | AttributeEntry {
  const entry = c.types.find(name, place);
  if (entry.kind !== "alias") return entry;
  if (entry.actual === null) c.fail(name ?? place, `expected a typealiasactual for ${show(name)}`);
  return entry.actual;
}

export function typeOf(c: Compilation, name: Form | undefined, place: Place): TypeEntry {
  const entry = typeOrAttributeOf(c, name, place);
  if (entry.kind !== "type") {
    c.fail(name ?? place, `expected a type, found the attribute ${show(name)}`);
  }
  return entry;
}

/** Types (bits v - 1) that the name stands for. */
export const typesOf = (entry: TypeEntry | AttributeEntry): Bits =>
  entry.kind === "type" ? entry.bits : entry.members.value;

/** Their values. */
export const valuesOf = (entry: TypeEntry | AttributeEntry): readonly number[] =>
  entry.kind === "type"
    ? [entry.value]
    : numbersIn(entry.members.value).map((number) => number + 1);

/** As it stands in a rule. An attribute is in the policy once it was asked for. */
export function valueOf(c: Compilation, entry: TypeEntry | AttributeEntry, place: Place): number {
  if (entry.value === 0 && entry.kind === "attribute") {
    c.usedAttributes.push(entry);
    entry.value = c.typeCount + c.usedAttributes.length;
    if (entry.value > TYPES_MAX) {
      c.fail(place, `expected at most ${TYPES_MAX} types and attributes`);
    }
  }
  return entry.value;
}

export const isSelf = (form: Form | undefined): boolean => isAtom(form) && form.text === "self";

function typesIn(c: Compilation, form: Form): Bits {
  const universe: Universe = {
    all: () => bit(c.typeCount) - 1n,
    named: (atom) => typesOf(typeOrAttributeOf(c, atom, atom)),
  };
  return setOf(c.source, form, universe);
}

/** Attributes that lead to themselves are found even where no rule names them. */
export function checkAttributes(c: Compilation): void {
  for (const [, entry] of c.types.all()) if (entry.kind === "attribute") void entry.members.value;
}

/** A chain of bounds must end. */
export function checkBoundsEnd(
  c: Compilation,
  entries: readonly { readonly name: string; readonly value: number; readonly bounds: number }[],
  placeOf: (name: string) => Place,
): void {
  const boundOf = new Map(entries.map(({ value, bounds }) => [value, bounds]));
  const ends = new Set([0]);
  for (const { name, value } of entries) {
    const chain: number[] = [];
    for (let at = value; !ends.has(at); at = boundOf.get(at) ?? 0) {
      if (chain.length > entries.length) {
        c.fail(placeOf(name), `expected bounds of "${name}" that do not lead back to it`);
      }
      chain.push(at);
    }
    for (const link of chain) ends.add(link);
  }
}

/** What a rule says of, as the statement names it. */
export interface RuleTypes {
  readonly source: TypeEntry | AttributeEntry;
  /** Null for `self`. */
  readonly target: TypeEntry | AttributeEntry | null;
}

export function ruleTypes(
  c: Compilation,
  source: Form | undefined,
  target: Form | undefined,
  statement: List,
): RuleTypes {
  return {
    source: typeOrAttributeOf(c, source, statement),
    target: isSelf(target) ? null : typeOrAttributeOf(c, target, statement),
  };
}
