/** Constraints of a class in a binary policy. Linux, security/selinux/ss/policydb.c, read_cons_helper; constraint.h. */

import type { Cursor } from "./cursor.ts";
import { type Ebitmap, EMPTY } from "./ebitmap.ts";
import type {
  Constraint,
  ConstraintAttribute,
  ConstraintNode,
  ConstraintOperator,
  TypeSet,
} from "./policy.ts";

/** First version that keeps the types of an expression as they were written. */
const WRITTEN_SINCE = 29;
/** Operands that an evaluation may hold. */
const DEPTH_MAX = 5;

const KINDS = { not: 1, and: 2, or: 3, attribute: 4, names: 5 } as const;
const OPERATORS: readonly ConstraintOperator[] = ["eq", "neq", "dom", "domby", "incomp"];
const NAMED = new Map([
  [1, "user"],
  [2, "role"],
  [4, "type"],
] as const);
const COMPARED: ReadonlyMap<number, ConstraintAttribute> = new Map<number, ConstraintAttribute>([
  ...NAMED,
  [32, "l1 l2"],
  [64, "l1 h2"],
  [128, "h1 l2"],
  [256, "h1 h2"],
  [512, "l1 h1"],
  [1024, "l2 h2"],
]);
const OF_TARGET = 8;
const OF_THIRD = 16;

/** A set of values that come later in the file: checked when they have been read. */
export interface LaterSet {
  readonly of: "user" | "role" | "type" | "category";
  readonly set: Ebitmap;
  readonly offset: number;
}

export interface ConstraintsOf {
  readonly version: number;
  /** Whether the context of a third may be named: in validatetrans. */
  readonly third: boolean;
  readonly later: LaterSet[];
}

export function readConstraints(cursor: Cursor, count: number, of: ConstraintsOf): Constraint[] {
  const constraints: Constraint[] = [];
  for (let i = 0; i < count; i += 1) {
    const permissions = cursor.u32("the permissions of a constraint");
    const nodes = cursor.count(12, "nodes of a constraint");
    constraints.push({ permissions, expression: readExpression(cursor, nodes, of) });
  }
  return constraints;
}

function readExpression(cursor: Cursor, count: number, of: ConstraintsOf): ConstraintNode[] {
  const expression: ConstraintNode[] = [];
  let depth = 0;
  const start = cursor.offset;
  for (let i = 0; i < count; i += 1) {
    const at = cursor.offset;
    const node = readNode(cursor, of);
    const operands = node.kind === "not" ? 1 : node.kind === "and" || node.kind === "or" ? 2 : 0;
    cursor.expect(depth >= operands, "operands before the operator of a constraint", at);
    depth += 1 - operands;
    cursor.expect(depth <= DEPTH_MAX, `at most ${DEPTH_MAX} operands in a constraint`, at);
    expression.push(node);
  }
  cursor.expect(depth === 1, "a constraint with one value", start);
  return expression;
}

function readNode(cursor: Cursor, of: ConstraintsOf): ConstraintNode {
  const at = cursor.offset;
  const kind = cursor.within(KINDS.not, KINDS.names, "the kind of a node of a constraint");
  const attribute = cursor.u32("an attribute of a constraint");
  const code = cursor.u32("an operator of a constraint");
  if (kind === KINDS.not) return { kind: "not" };
  if (kind === KINDS.and) return { kind: "and" };
  if (kind === KINDS.or) return { kind: "or" };
  const operator = OPERATORS[code - 1];
  if (operator === undefined) cursor.refuse("an operator of a constraint", at);
  if (kind === KINDS.names) return readNames(cursor, of, attribute, operator, at);
  const compared = COMPARED.get(attribute);
  if (compared === undefined) cursor.refuse("what a constraint compares", at);
  const isPlain = compared === "user" || compared === "type";
  cursor.expect(!isPlain || isEquality(operator), "eq or neq in a constraint", at);
  return { kind: "attribute", attribute: compared, operator };
}

const isEquality = (operator: ConstraintOperator): operator is "eq" | "neq" =>
  operator === "eq" || operator === "neq";

function readNames(
  cursor: Cursor,
  of: ConstraintsOf,
  flags: number,
  operator: ConstraintOperator,
  at: number,
): ConstraintNode {
  const attribute = NAMED.get((flags & ~(OF_TARGET | OF_THIRD)) as 1 | 2 | 4);
  if (attribute === undefined) cursor.refuse("users, roles or types in a constraint", at);
  if (!isEquality(operator)) cursor.refuse("eq or neq in a constraint", at);
  const context = (flags & OF_TARGET) !== 0 ? 2 : (flags & OF_THIRD) !== 0 ? 3 : 1;
  cursor.expect(of.third || (flags & OF_THIRD) === 0, "a source or target in a constraint", at);
  const offset = cursor.offset;
  const names = cursor.ebitmap(Infinity, "names of a constraint");
  of.later.push({ of: attribute, set: names, offset });
  const written = of.version >= WRITTEN_SINCE ? readTypeSet(cursor, of) : null;
  return { kind: "names", attribute, context, operator, names, written };
}

/** Null for the set of nothing, which stands where no types were written. */
function readTypeSet(cursor: Cursor, { later }: ConstraintsOf): TypeSet | null {
  const offset = cursor.offset;
  const types = cursor.ebitmap(Infinity, "types of a constraint");
  const negated = cursor.ebitmap(Infinity, "negated types of a constraint");
  const flags = cursor.u32("flags of a set of types");
  later.push({ of: "type", set: types, offset }, { of: "type", set: negated, offset });
  return types === EMPTY && negated === EMPTY && flags === 0 ? null : { types, negated, flags };
}
