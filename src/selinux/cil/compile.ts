/** Flat CIL to a policy: statements without blocks, macros and optionals. SELinux Project, "SELinux Common Intermediate Language (CIL) Reference Guide". */

import type { Policy } from "../policydb/policy.ts";
import { policyOf } from "./assemble.ts";
import { checkTypeBounds } from "./bounds.ts";
import { orderClasses } from "./classes.ts";
import { Compilation } from "./compilation.ts";
import { checkContexts, orderSids } from "./contexts.ts";
import { addExtendedRules } from "./extended-permissions.ts";
import { FileContexts } from "./file-contexts.ts";
import { type Atom, readForms, show } from "./forms.ts";
import { checkLevels, orderLevels } from "./levels.ts";
import { checkNeverallows } from "./neverallow.ts";
import { sortObjects } from "./network.ts";
import { Order } from "./order.ts";
import { allRoles, checkRoleAttributes, declareObjectRole } from "./roles.ts";
import { Source } from "./source.ts";
import { PHASES, type Phase } from "./statement.ts";
import { STATEMENT_BY_KEYWORD } from "./statements.ts";
import { checkAttributes, checkBoundsEnd } from "./types.ts";
import { checkUsers } from "./users.ts";

/** `name` stands in errors: `name:line:column: what was expected`. */
export const compileCil = (text: string, name: string): Policy => policyOf(compile(text, name));

/** What the text says of labels of files. Contexts have the values of the compiled policy. */
export const fileContexts = (text: string, name: string): FileContexts =>
  new FileContexts(compile(text, name).fileContexts);

function compile(text: string, name: string): Compilation {
  const source = new Source(text, name);
  const c = new Compilation(source, {
    class: new Order(source, "a class"),
    sensitivity: new Order(source, "a sensitivity"),
    category: new Order(source, "a category"),
    sid: new Order(source, "an initial SID"),
  });
  const statements = readForms(source).map((form) => {
    const keyword = form.items[0] as Atom;
    const statement = STATEMENT_BY_KEYWORD.get(keyword.text);
    if (statement === undefined) {
      return c.fail(keyword, `expected a statement of flat CIL, found ${show(keyword)}`);
    }
    const [least, most] = statement.operands;
    const count = form.items.length - 1;
    if (count < least || count > most) c.fail(form, `expected ${statement.form}`);
    return { form, operands: form.items.slice(1), statement };
  });
  for (const phase of PHASES) {
    for (const { form, operands, statement } of statements)
      if (statement.phase === phase) statement.compile(c, operands, form);
    AFTER[phase]?.(c);
  }
  return c;
}

/** What is done when all statements of a phase were read. */
const AFTER: { readonly [P in Phase]?: (c: Compilation) => void } = {
  declare: declareObjectRole,
  order: (c) => {
    orderClasses(c);
    orderLevels(c);
    orderSids(c);
  },
  collect: (c) => {
    checkAttributes(c);
    checkRoleAttributes(c);
  },
  condition: (c) => {
    addExtendedRules(c);
    sortObjects(c);
    checkBoundsEnd(c, allRoles(c), (name) => c.roles.placeOf(name));
    checkBoundsEnd(
      c,
      c.users.all().map(([, user]) => user),
      (name) => c.users.placeOf(name),
    );
    checkUsers(c);
    checkLevels(c);
    checkContexts(c);
    checkTypeBounds(c);
    checkNeverallows(c);
  },
};
