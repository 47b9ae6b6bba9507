/** Roles, their types, and which may follow which. CIL Reference Guide, "Role Statements". */

import type { Compilation } from "./compilation.ts";
import type { RoleAttributeEntry, RoleEntry } from "./entries.ts";
import { type Form, show } from "./forms.ts";
import { type Bits, bit, setOf } from "./sets.ts";
import type { Place } from "./source.ts";
import { atomOf, type Statements } from "./statement.ts";
import { typeOrAttributeOf, typesOf, valuesOf } from "./types.ts";

/** The role of objects: it is in every policy, with value 1, and may have any type. */
export const OBJECT_R = "object_r";

export const ROLE_STATEMENTS: Statements = {
  role: {
    phase: "declare",
    form: "(role name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      const value = atom.text === OBJECT_R ? 1 : 2 + c.roleCount;
      if (value > 1) c.roleCount += 1;
      c.roles.declare(atom, { kind: "role", name: atom.text, value, bounds: 0, types: 0n });
    },
  },
  roleattribute: {
    phase: "declare",
    form: "(roleattribute name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      const expressions: Form[] = [];
      const members = c.lazy(atom, () =>
        expressions.reduce((union, form) => union | roleSet(c, form), 0n),
      );
      c.roles.declare(atom, { kind: "attribute", name: atom.text, expressions, members });
    },
  },
  roleattributeset: {
    phase: "collect",
    form: "(roleattributeset attribute expression)",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const attribute = c.roles.find(name, statement);
      if (attribute.kind !== "attribute") {
        return c.fail(name as Form, `expected an attribute of roles, found ${show(name)}`);
      }
      attribute.expressions.push(form as Form);
    },
  },
  roletype: {
    phase: "relate",
    form: "(roletype role type)",
    operands: [2, 2],
    compile: (c, [name, type], statement) => {
      const types = typesOf(typeOrAttributeOf(c, type, statement));
      for (const role of rolesOf(c, name, statement)) role.types |= types;
    },
  },
  rolebounds: {
    phase: "relate",
    form: "(rolebounds parent child)",
    operands: [2, 2],
    compile: (c, [parent, child], statement) => {
      const bound = roleOf(c, child, statement);
      if (bound.bounds !== 0) c.fail(child as Form, `expected one bound of ${show(child)}`);
      bound.bounds = roleOf(c, parent, statement).value;
    },
  },
  roleallow: {
    phase: "rule",
    form: "(roleallow role new_role)",
    operands: [2, 2],
    compile: (c, [source, target], statement) => {
      const next = rolesOf(c, target, statement);
      for (const { value: role } of rolesOf(c, source, statement)) {
        c.spend(next.length, statement);
        for (const { value: newRole } of next) c.roleAllows.push({ role, newRole });
      }
    },
  },
  roletransition: {
    phase: "rule",
    form: "(roletransition role type class new_role)",
    operands: [4, 4],
    compile: (c, [source, target, tclass, result], statement) => {
      const newRole = roleOf(c, result, statement).value;
      const types = valuesOf(typeOrAttributeOf(c, target, statement));
      const { value } = c.classes.find(tclass, statement);
      for (const { value: role } of rolesOf(c, source, statement)) {
        c.spend(types.length, statement);
        for (const type of types)
          addTransition(c, { role, type, class: value, newRole }, statement);
      }
    },
  },
};

function addTransition(
  c: Compilation,
  rule: { role: number; type: number; class: number; newRole: number },
  place: Place,
): void {
  const key = `${rule.role} ${rule.type} ${rule.class}`;
  const known = c.roleTransitions.get(key);
  if (known !== undefined && known.newRole !== rule.newRole) {
    c.fail(place, "expected one new role for a role, a type and a class");
  }
  c.roleTransitions.set(key, rule);
}

export function roleOf(c: Compilation, name: Form | undefined, place: Place): RoleEntry {
  const entry = c.roles.find(name, place);
  if (entry.kind !== "role") {
    c.fail(name ?? place, `expected a role, found the attribute ${show(name)}`);
  }
  return entry;
}

/** Roles (bits v - 1). */
export const rolesIn = (entry: RoleEntry | RoleAttributeEntry): Bits =>
  entry.kind === "role" ? bit(entry.value - 1) : entry.members.value;

/** The roles that a name stands for. */
function rolesOf(c: Compilation, name: Form | undefined, place: Place): readonly RoleEntry[] {
  const entry = c.roles.find(name, place);
  if (entry.kind === "role") return [entry];
  const members = entry.members.value;
  return allRoles(c).filter(({ value }) => (members & bit(value - 1)) !== 0n);
}

export const allRoles = (c: Compilation): readonly RoleEntry[] =>
  c.roles.all().flatMap(([, entry]) => (entry.kind === "role" ? [entry] : []));

const roleSet = (c: Compilation, form: Form): Bits =>
  setOf(c.source, form, {
    all: () => allRoles(c).reduce((union, { value }) => union | bit(value - 1), 0n),
    named: (atom) => rolesIn(c.roles.find(atom, atom)),
  });

/** Every role has its place in the policy, object_r the first, whether or not it was declared. */
export function declareObjectRole(c: Compilation): void {
  if (c.roles.get(OBJECT_R) !== undefined) return;
  const atom = { at: 0, text: OBJECT_R };
  c.roles.declare(atom, { kind: "role", name: OBJECT_R, value: 1, bounds: 0, types: 0n });
}

export function checkRoleAttributes(c: Compilation): void {
  for (const [, entry] of c.roles.all()) if (entry.kind === "attribute") void entry.members.value;
}
