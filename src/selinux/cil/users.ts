/** Users: which roles and which levels they may have. CIL Reference Guide, "User Statements". */

import { levelOf, rangeOf } from "./levels.ts";
import type { Compilation } from "./compilation.ts";
import { type Form, show } from "./forms.ts";
import { rolesIn } from "./roles.ts";
import { atomOf, type Statements } from "./statement.ts";

export const USER_STATEMENTS: Statements = {
  user: {
    phase: "declare",
    form: "(user name)",
    operands: [1, 1],
    compile: (c, [name], statement) => {
      const atom = atomOf(c, name, statement);
      c.users.declare(atom, {
        name: atom.text,
        value: c.users.size + 1,
        bounds: 0,
        roles: 0n,
        level: null,
        range: null,
      });
    },
  },
  userrole: {
    phase: "relate",
    form: "(userrole user role)",
    operands: [2, 2],
    compile: (c, [name, role], statement) => {
      c.users.find(name, statement).roles |= rolesIn(c.roles.find(role, statement));
    },
  },
  userbounds: {
    phase: "relate",
    form: "(userbounds parent child)",
    operands: [2, 2],
    compile: (c, [parent, child], statement) => {
      const bound = c.users.find(child, statement);
      if (bound.bounds !== 0) c.fail(child as Form, `expected one bound of ${show(child)}`);
      bound.bounds = c.users.find(parent, statement).value;
    },
  },
  userlevel: {
    phase: "relate",
    form: "(userlevel user level)",
    operands: [2, 2],
    compile: (c, [name, level], statement) => {
      const user = c.users.find(name, statement);
      if (user.level !== null) c.fail(statement, `expected one userlevel of ${show(name)}`);
      user.level = levelOf(c, level as Form);
    },
  },
  userrange: {
    phase: "relate",
    form: "(userrange user range)",
    operands: [2, 2],
    compile: (c, [name, range], statement) => {
      const user = c.users.find(name, statement);
      if (user.range !== null) c.fail(statement, `expected one userrange of ${show(name)}`);
      user.range = rangeOf(c, range as Form);
    },
  },
};

/** With levels, each user has a range and a default in it. */
export function checkUsers(c: Compilation): void {
  if (!c.mls) return;
  for (const [name, { level, range }] of c.users.all()) {
    const place = c.users.placeOf(name);
    if (level === null) c.fail(place, `expected a userlevel of "${name}"`);
    if (range === null) c.fail(place, `expected a userrange of "${name}"`);
  }
}
