/** Classes and their permissions. CIL Reference Guide, "Class and Permission Statements". */

import type { Compilation } from "./compilation.ts";
import type { ClassEntry, ClassPermissions, CommonEntry } from "./entries.ts";
import { type Form, isAtom, isList, type List, show } from "./forms.ts";
import { isName } from "./names.ts";
import { CLASSES_MAX } from "./rule-table.ts";
import { bit, setOf, type Universe } from "./sets.ts";
import { atomOf, type Statements } from "./statement.ts";
import type { Place } from "./source.ts";

/** Bits of an access vector. */
const PERMISSIONS_MAX = 32;

export const CLASS_STATEMENTS: Statements = {
  common: {
    phase: "declare",
    form: "(common name (permission …))",
    operands: [2, 2],
    compile: (c, [name, list], statement) => {
      const atom = atomOf(c, name, statement);
      const permissions = permissionNames(c, list as Form);
      if (permissions.length === 0) c.fail(list as Form, "expected at least one permission");
      c.commons.declare(atom, { name: atom.text, permissions });
    },
  },
  class: {
    phase: "declare",
    form: "(class name (permission …))",
    operands: [2, 2],
    compile: (c, [name, list], statement) => {
      const atom = atomOf(c, name, statement);
      c.classes.declare(atom, {
        name: atom.text,
        own: permissionNames(c, list as Form),
        value: 0,
        common: null,
        indexOf: null,
        constraints: [],
        validateTransitions: [],
        defaultUser: "none",
        defaultRole: "none",
        defaultType: "none",
        defaultRange: "none",
      });
    },
  },
  classcommon: {
    phase: "order",
    form: "(classcommon class common)",
    operands: [2, 2],
    compile: (c, [name, common], statement) => {
      const tclass = c.classes.find(name, statement);
      if (tclass.common !== null) c.fail(statement, `expected one common for ${show(name)}`);
      tclass.common = c.commons.find(common, statement);
    },
  },
  classorder: {
    phase: "order",
    form: "(classorder (class …))",
    operands: [1, 1],
    compile: (c, _, statement) => c.orders.class.add(statement),
  },
  classpermission: {
    phase: "declare",
    form: "(classpermission name)",
    operands: [1, 1],
    compile: (c, [name], statement) =>
      c.classPermissions.declare(atomOf(c, name, statement), { forms: [] }),
  },
  classpermissionset: {
    phase: "collect",
    form: "(classpermissionset name (class (permission …)))",
    operands: [2, 2],
    compile: (c, [name, form], statement) =>
      void c.classPermissions.find(name, statement).forms.push(form as Form),
  },
};

function permissionNames(c: Compilation, form: Form): readonly string[] {
  if (!isList(form)) c.fail(form, `expected a list of permissions, found ${show(form)}`);
  const names = form.items.map((item) => atomOf(c, item, form).text);
  const wrong = names.findIndex((name) => !isName(name));
  if (wrong >= 0) {
    c.fail(form.items[wrong] as Form, `expected the name of a permission, found "${names[wrong]}"`);
  }
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice >= 0) c.fail(form.items[twice] as Form, "expected each permission once");
  if (names.length > PERMISSIONS_MAX) {
    c.fail(form, `expected at most ${PERMISSIONS_MAX} permissions, found ${names.length}`);
  }
  return names;
}

/** Gives classes their values, in the order that was said. */
export function orderClasses(c: Compilation): void {
  const classes = c.orders.class.names().map((name) => c.classes.find(name, name));
  if (classes.length > CLASSES_MAX) {
    c.fail({ at: 0 }, `expected at most ${CLASSES_MAX} classes, found ${classes.length}`);
  }
  for (const [i, tclass] of classes.entries()) tclass.value = i + 1;
  for (const [name, tclass] of c.classes.all()) {
    const place = c.classes.placeOf(name);
    if (tclass.value === 0) c.fail(place, `expected "${name}" in a classorder`);
    checkPermissions(c, tclass, place);
  }
  c.ordered.classes = classes;
}

function checkPermissions(c: Compilation, tclass: ClassEntry, place: Place): void {
  const names = permissionsOf(tclass);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    c.fail(place, `expected no "${twice}" in class "${tclass.name}", its common has it`);
  }
  if (names.length > PERMISSIONS_MAX) {
    c.fail(place, `expected at most ${PERMISSIONS_MAX} permissions, found ${names.length}`);
  }
}

/** By bit: those of the common come first. */
export const permissionsOf = ({
  common,
  own,
}: {
  common: CommonEntry | null;
  own: readonly string[];
}): readonly string[] => [...(common?.permissions ?? []), ...own];

/** What `(class (permission …))` stands for, or the name of a set of such. */
export function classPermissionsOf(
  c: Compilation,
  form: Form,
  place: List,
): readonly ClassPermissions[] {
  if (isAtom(form)) {
    const { forms } = c.classPermissions.find(form, place);
    if (forms.length === 0) c.fail(form, `expected a classpermissionset for ${show(form)}`);
    return forms.map((part) => oneClassPermissions(c, part, place));
  }
  return [oneClassPermissions(c, form, place)];
}

function oneClassPermissions(c: Compilation, form: Form, place: List): ClassPermissions {
  if (!isList(form) || form.items.length !== 2) {
    c.fail(form, `expected (class (permission …)), found ${show(form)}`);
  }
  const [name, permissions] = form.items;
  const tclass = c.classes.find(name, place);
  if (!isList(permissions)) {
    c.fail(permissions ?? form, `expected a list of permissions, found ${show(permissions)}`);
  }
  return { class: tclass, mask: maskOf(c, tclass, permissions) };
}

function maskOf(c: Compilation, tclass: ClassEntry, form: List): number {
  tclass.indexOf ??= new Map(permissionsOf(tclass).map((name, i) => [name, i]));
  const { indexOf } = tclass;
  const universe: Universe = {
    all: () => bit(indexOf.size) - 1n,
    named: (atom) => {
      const index = indexOf.get(atom.text);
      if (index === undefined) {
        c.fail(atom, `expected a permission of class "${tclass.name}", found ${show(atom)}`);
      }
      return bit(index);
    },
  };
  return Number(setOf(c.source, form, universe));
}
