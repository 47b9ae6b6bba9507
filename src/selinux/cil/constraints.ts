/** constrain, mlsconstrain, validatetrans and mlsvalidatetrans. CIL Reference Guide, "Constraint Statements". */

import type {
  Constraint,
  ConstraintAttribute,
  ConstraintNode,
  ConstraintOperator,
} from "../policydb/policy.ts";
import { classPermissionsOf } from "./classes.ts";
import type { Compilation } from "./compilation.ts";
import { type Atom, type Form, isAtom, isList, type List, show } from "./forms.ts";
import { rolesIn } from "./roles.ts";
import { bit, type Bits, ebitmapOfBits } from "./sets.ts";
import type { Statement, Statements } from "./statement.ts";
import { typeOrAttributeOf, typesOf, valueOf } from "./types.ts";

/** Values that the kernel keeps at a time while it evaluates an expression: CEXPR_MAXDEPTH. */
const STACK_MAX = 5;

export const CONSTRAINT_STATEMENTS: Statements = {
  constrain: constrainStatement("constrain"),
  mlsconstrain: constrainStatement("mlsconstrain"),
  validatetrans: validateStatement("validatetrans"),
  mlsvalidatetrans: validateStatement("mlsvalidatetrans"),
};

function constrainStatement(keyword: string): Statement {
  return {
    phase: "rule",
    form: `(${keyword} (class (permission …)) expression)`,
    operands: [2, 2],
    compile: (c, [permissions, form], statement) => {
      const expression = expressionOf(c, form as Form, statement, 2);
      if (keyword === "mlsconstrain" && !c.mls) return;
      for (const { class: tclass, mask } of classPermissionsOf(c, permissions as Form, statement))
        if (mask !== 0) tclass.constraints.push({ permissions: mask, expression });
    },
  };
}

function validateStatement(keyword: string): Statement {
  return {
    phase: "rule",
    form: `(${keyword} class expression)`,
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const tclass = c.classes.find(name, statement);
      const expression = expressionOf(c, form as Form, statement, 3);
      if (keyword === "mlsvalidatetrans" && !c.mls) return;
      tclass.validateTransitions.push({ permissions: 0, expression });
    },
  };
}

type Contexts = 2 | 3;

function expressionOf(
  c: Compilation,
  form: Form,
  statement: List,
  contexts: Contexts,
): Constraint["expression"] {
  const nodes: ConstraintNode[] = [];
  write(c, form, contexts, nodes);
  let height = 0;
  for (const { kind } of nodes) {
    if (kind === "attribute" || kind === "names") height += 1;
    else if (kind !== "not") height -= 1;
    if (height > STACK_MAX) {
      c.fail(statement, `expected an expression that needs at most ${STACK_MAX} values at a time`);
    }
  }
  return nodes;
}

/** Adds the nodes in postfix order. */
function write(c: Compilation, form: Form, contexts: Contexts, nodes: ConstraintNode[]): void {
  const [head, a, b] = isList(form) ? form.items : [];
  const count = isList(form) ? form.items.length : 0;
  if (!isAtom(head) || a === undefined) return fail(c, form);
  switch (head.text) {
    case "not":
      if (count !== 2) fail(c, form);
      write(c, a, contexts, nodes);
      nodes.push({ kind: "not" });
      return;
    case "and":
    case "or":
      if (count !== 3 || b === undefined) return fail(c, form);
      write(c, a, contexts, nodes);
      write(c, b, contexts, nodes);
      nodes.push({ kind: head.text });
      return;
    case "eq":
    case "neq":
    case "dom":
    case "domby":
    case "incomp":
      if (count !== 3 || b === undefined || !isAtom(a)) return fail(c, form);
      nodes.push(comparison(c, head.text, a, b, contexts));
      return;
    default:
      fail(c, form);
  }
}

const fail = (c: Compilation, form: Form): never =>
  c.fail(form, "expected (not x), (and|or x y) or (eq|neq|dom|domby|incomp operand operand)");

/** Both operands are of contexts. */
const PAIRS: Readonly<Record<string, ConstraintAttribute>> = {
  "u1 u2": "user",
  "r1 r2": "role",
  "t1 t2": "type",
  "l1 l2": "l1 l2",
  "l1 h2": "l1 h2",
  "h1 l2": "h1 l2",
  "h1 h2": "h1 h2",
  "l1 h1": "l1 h1",
  "l2 h2": "l2 h2",
};

const KINDS = { u: "user", r: "role", t: "type" } as const;

function comparison(
  c: Compilation,
  operator: ConstraintOperator,
  left: Atom,
  right: Form,
  contexts: Contexts,
): ConstraintNode {
  if (isAtom(right)) {
    const attribute = PAIRS[`${left.text} ${right.text}`];
    if (attribute !== undefined) {
      if ((attribute === "user" || attribute === "type") && !isEquality(operator)) {
        c.fail(left, `expected eq or neq between ${show(left)} and ${show(right)}`);
      }
      return { kind: "attribute", attribute, operator };
    }
    if (/^[urt][123]$|^[lh][12]$/.test(right.text)) {
      c.fail(right, `expected something to compare ${show(left)} with, found ${show(right)}`);
    }
  }
  const match = /^([urt])([123])$/.exec(left.text);
  const context = Number(match?.[2] ?? 0);
  if (match === null || context > contexts || !isEquality(operator)) {
    const last = contexts === 3 ? "u3, r3, t3" : "u2, r2, t2";
    c.fail(left, `expected eq or neq and one of u1, r1, t1 … ${last} before names`);
  }
  const attribute = KINDS[match[1] as keyof typeof KINDS];
  const listed = isAtom(right) ? [right] : right.items;
  const names = listed.reduce((union, name) => union | namesIn(c, attribute, name), 0n);
  const written = attribute === "type" ? writtenTypes(c, listed) : 0n;
  return {
    kind: "names",
    attribute,
    context: context as 1 | 2 | 3,
    operator,
    names: ebitmapOfBits(names),
    written: { types: ebitmapOfBits(written), negated: [], flags: 0 },
  };
}

const isEquality = (operator: ConstraintOperator): operator is "eq" | "neq" =>
  operator === "eq" || operator === "neq";

function namesIn(c: Compilation, attribute: "user" | "role" | "type", name: Form): Bits {
  switch (attribute) {
    case "user":
      return bit(c.users.find(name, name).value - 1);
    case "role":
      return rolesIn(c.roles.find(name, name));
    case "type":
      return typesOf(typeOrAttributeOf(c, name, name));
  }
}

/** Types and attributes as they stand in the text. */
const writtenTypes = (c: Compilation, names: readonly Form[]): Bits =>
  names.reduce(
    (union, name) => union | bit(valueOf(c, typeOrAttributeOf(c, name, name), name) - 1),
    0n,
  );
