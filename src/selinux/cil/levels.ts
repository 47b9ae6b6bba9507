/** Sensitivities, categories, levels and ranges. CIL Reference Guide, "Multi-Level Security Labeling Statements". */

import { contains, type Ebitmap } from "../policydb/ebitmap.ts";
import type { MlsLevel, MlsRange } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import type { CategoryEntry, SensitivityEntry } from "./entries.ts";
import { type Form, isAtom, isList, show } from "./forms.ts";
import { bit, type Bits, ebitmapOfBits, setOf, span } from "./sets.ts";
import type { Place } from "./source.ts";
import { atomOf, type Statements } from "./statement.ts";
import { aliasOf } from "./types.ts";

/** Far more than any policy has, few enough for every level to name them all. */
const CATEGORIES_MAX = 8192;

export const LEVEL_STATEMENTS: Statements = {
  sensitivity: {
    phase: "declare",
    form: "(sensitivity name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      const entry = { kind: "sensitivity", name: atom.text, value: 0, categories: 0n } as const;
      c.sensitivities.declare(atom, { ...entry });
    },
  },
  sensitivityalias: {
    phase: "declare",
    form: "(sensitivityalias name)",
    operands: [1, 1],
    compile: (c, [name], statement) =>
      c.sensitivities.declare(atomOf(c, name, statement), { kind: "alias", actual: null }),
  },
  sensitivityaliasactual: {
    phase: "order",
    form: "(sensitivityaliasactual alias sensitivity)",
    operands: [2, 2],
    compile: (c, [name, actual], statement) => {
      const found = c.sensitivities.find(name, statement);
      const alias = aliasOf<SensitivityEntry>(c, found, name, "sensitivityalias");
      if (alias.actual !== null) c.fail(statement, `expected one sensitivity for ${show(name)}`);
      alias.actual = sensitivityOf(c, actual, statement);
    },
  },
  sensitivityorder: {
    phase: "order",
    form: "(sensitivityorder (sensitivity …))",
    operands: [1, 1],
    compile: (c, _, statement) => c.orders.sensitivity.add(statement),
  },
  category: {
    phase: "declare",
    form: "(category name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      c.categories.declare(atom, { kind: "category", name: atom.text, value: 0 });
    },
  },
  categoryalias: {
    phase: "declare",
    form: "(categoryalias name)",
    operands: [1, 1],
    compile: (c, [name], statement) =>
      c.categories.declare(atomOf(c, name, statement), { kind: "alias", actual: null }),
  },
  categoryaliasactual: {
    phase: "order",
    form: "(categoryaliasactual alias category)",
    operands: [2, 2],
    compile: (c, [name, actual], statement) => {
      const found = c.categories.find(name, statement);
      const alias = aliasOf<CategoryEntry>(c, found, name, "categoryalias");
      if (alias.actual !== null) c.fail(statement, `expected one category for ${show(name)}`);
      alias.actual = categoryOf(c, actual, statement);
    },
  },
  categoryorder: {
    phase: "order",
    form: "(categoryorder (category …))",
    operands: [1, 1],
    compile: (c, _, statement) => c.orders.category.add(statement),
  },
  categoryset: {
    phase: "declare",
    form: "(categoryset name expression)",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const categories = c.lazy(statement, () => categoriesOf(c, form as Form));
      c.categories.declare(atomOf(c, name, statement), { kind: "set", categories });
    },
  },
  sensitivitycategory: {
    phase: "relate",
    form: "(sensitivitycategory sensitivity categories)",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      sensitivityOf(c, name, statement).categories |= categoriesOf(c, form as Form);
    },
  },
  level: {
    phase: "declare",
    form: "(level name (sensitivity categories))",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const level = c.lazy(statement, () => levelOf(c, form as Form));
      c.levels.declare(atomOf(c, name, statement), level);
    },
  },
  levelrange: {
    phase: "declare",
    form: "(levelrange name (low high))",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const range = c.lazy(statement, () => rangeOf(c, form as Form));
      c.ranges.declare(atomOf(c, name, statement), range);
    },
  },
};

/** Gives sensitivities and categories their values, in the order that was said. */
export function orderLevels(c: Compilation): void {
  for (const [i, name] of c.orders.sensitivity.names().entries())
    sensitivityOf(c, name, name).value = i + 1;
  const categories = c.orders.category.names();
  if (categories.length > CATEGORIES_MAX) {
    c.fail(categories[CATEGORIES_MAX] as Place, `expected at most ${CATEGORIES_MAX} categories`);
  }
  c.ordered.categories = categories.map((name, i) => {
    const category = categoryOf(c, name, name);
    category.value = i + 1;
    return category;
  });
  for (const [kind, names] of [
    ["sensitivity", c.sensitivities],
    ["category", c.categories],
  ] as const)
    for (const [name, entry] of names.all())
      if ("value" in entry && entry.value === 0) {
        c.fail(names.placeOf(name), `expected "${name}" in a ${kind}order`);
      }
}

export function sensitivityOf(
  c: Compilation,
  name: Form | undefined,
  place: Place,
): SensitivityEntry {
  const entry = c.sensitivities.find(name, place);
  if (entry.kind !== "alias") return entry;
  if (entry.actual === null) {
    c.fail(name ?? place, `expected a sensitivityaliasactual for ${show(name)}`);
  }
  return entry.actual;
}

function categoryOf(c: Compilation, name: Form | undefined, place: Place): CategoryEntry {
  const entry = c.categories.find(name, place);
  if (entry.kind === "set") c.fail(name ?? place, `expected a category, found a set of them`);
  if (entry.kind === "category") return entry;
  if (entry.actual === null) {
    c.fail(name ?? place, `expected a categoryaliasactual for ${show(name)}`);
  }
  return entry.actual;
}

/** Categories (bits v - 1). */
function categoriesOf(c: Compilation, form: Form): Bits {
  return setOf(c.source, form, {
    all: () => bit(c.ordered.categories.length) - 1n,
    named: (atom) => {
      const entry = c.categories.find(atom, atom);
      if (entry.kind === "set") return entry.categories.value;
      return bit(categoryOf(c, atom, atom).value - 1);
    },
    range: (low, high) => {
      const first = categoryOf(c, low, low).value;
      const last = categoryOf(c, high, high).value;
      if (first > last) c.fail(low, `expected ${show(low)} before ${show(high)} in the order`);
      return span(first - 1, last - 1);
    },
  });
}

/** The name of a level, or `(sensitivity categories)`. */
export function levelOf(c: Compilation, form: Form): MlsLevel {
  if (isAtom(form)) return c.levels.find(form, form).value;
  const [name, categories] = form.items;
  if (form.items.length < 1 || form.items.length > 2) {
    c.fail(form, "expected (sensitivity categories)");
  }
  const sensitivity = sensitivityOf(c, name, form);
  const set = categories === undefined ? 0n : categoriesOf(c, categories);
  return { sensitivity: sensitivity.value, categories: ebitmapOfBits(set) };
}

/** The name of a range, or `(low high)`. */
export function rangeOf(c: Compilation, form: Form): MlsRange {
  if (isAtom(form)) return c.ranges.find(form, form).value;
  if (!isList(form) || form.items.length !== 2) c.fail(form, "expected (low high)");
  const [low, high] = form.items.map((level) => levelOf(c, level)) as [MlsLevel, MlsLevel];
  if (low.sensitivity > high.sensitivity || !contains(high.categories, low.categories)) {
    c.fail(form, "expected a high level that dominates the low one");
  }
  c.usedLevels.push({ at: form.at, level: low }, { at: form.at, level: high });
  return { low, high };
}

/** Categories stand only with the sensitivities that have them. */
export function checkLevels(c: Compilation): void {
  for (const [, range] of c.ranges.all()) void range.value;
  for (const [, level] of c.levels.all()) void level.value;
  for (const [, entry] of c.categories.all()) if (entry.kind === "set") void entry.categories.value;
  const allowed = new Map<number, Ebitmap>();
  for (const [, entry] of c.sensitivities.all())
    if (entry.kind === "sensitivity") allowed.set(entry.value, ebitmapOfBits(entry.categories));
  for (const { level, at } of c.usedLevels)
    if (!contains(allowed.get(level.sensitivity) ?? [], level.categories)) {
      c.fail({ at }, "expected categories that a sensitivitycategory gives to the sensitivity");
    }
}
