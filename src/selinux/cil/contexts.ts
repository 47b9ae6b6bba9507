/** Contexts, initial SIDs and what a context may hold. CIL Reference Guide, "context" and "SID Statements". */

import { contains } from "../policydb/ebitmap.ts";
import type { Context, MlsLevel } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import { type Form, isAtom, isList, show } from "./forms.ts";
import { rangeOf } from "./levels.ts";
import { allRoles, OBJECT_R, roleOf } from "./roles.ts";
import { bit } from "./sets.ts";
import { atomOf, type Statements } from "./statement.ts";
import { typeOf } from "./types.ts";

export const CONTEXT_STATEMENTS: Statements = {
  context: {
    phase: "declare",
    form: "(context name (user role type range))",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const context = c.lazy(statement, () => contextOf(c, form as Form));
      c.contexts.declare(atomOf(c, name, statement), context);
    },
  },
  sid: {
    phase: "declare",
    form: "(sid name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      c.sids.declare(atom, { name: atom.text, value: 0, context: null });
    },
  },
  sidorder: {
    phase: "order",
    form: "(sidorder (sid …))",
    operands: [1, 1],
    compile: (c, _, statement) => c.orders.sid.add(statement),
  },
  sidcontext: {
    phase: "rule",
    form: "(sidcontext sid context)",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const sid = c.sids.find(name, statement);
      if (sid.context !== null) c.fail(statement, `expected one sidcontext for ${show(name)}`);
      sid.context = contextOf(c, form as Form);
    },
  },
};

/** Gives initial SIDs their numbers, in the order that was said. */
export function orderSids(c: Compilation): void {
  for (const [i, name] of c.orders.sid.names().entries()) c.sids.find(name, name).value = i + 1;
  for (const [name, { value }] of c.sids.all())
    if (value === 0) c.fail(c.sids.placeOf(name), `expected "${name}" in a sidorder`);
}

/** The name of a context, or `(user role type range)`. */
export function contextOf(c: Compilation, form: Form): Context {
  if (isAtom(form)) return c.contexts.find(form, form).value;
  const [user, role, type, range] = form.items;
  if (!isList(form) || range === undefined || form.items.length !== 4) {
    c.fail(form, "expected (user role type range)");
  }
  const context: Context = {
    user: c.users.find(user, form).value,
    role: roleOf(c, role, form).value,
    type: typeOf(c, type, form).value,
    range: rangeOf(c, range),
  };
  c.usedContexts.push({ at: form.at, context });
  return c.mls ? context : { ...context, range: null };
}

/** The user must have the role and the range, the role the type; object_r may stand anywhere. */
export function checkContexts(c: Compilation): void {
  for (const [, context] of c.contexts.all()) void context.value;
  const users = c.users.all().map(([, user]) => user);
  const roles = new Map(allRoles(c).map((role) => [role.value, role]));
  for (const { at, context } of c.usedContexts) {
    const user = users[context.user - 1];
    const role = roles.get(context.role);
    if (user === undefined || role === undefined) continue;
    if (role.name !== OBJECT_R) {
      if ((user.roles & bit(role.value - 1)) === 0n) {
        c.fail({ at }, `expected a role of user "${user.name}", found "${role.name}"`);
      }
      if ((role.types & bit(context.type - 1)) === 0n) {
        c.fail({ at }, `expected a type of role "${role.name}"`);
      }
    }
    if (c.mls && user.range !== null && context.range !== null) {
      const inside =
        isDominated(user.range.low, context.range.low) &&
        isDominated(context.range.high, user.range.high);
      if (!inside) c.fail({ at }, `expected a range within that of user "${user.name}"`);
    }
  }
}

const isDominated = (low: MlsLevel, high: MlsLevel): boolean =>
  low.sensitivity <= high.sensitivity && contains(high.categories, low.categories);
