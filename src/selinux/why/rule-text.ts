/** Rules and constraints of a policy as CIL. SELinuxProject, secilc/docs: Access Vector Rules, Constraint Statements. */

import { valuesOf } from "../policydb/ebitmap.ts";
import {
  AV,
  type AvTable,
  type ConditionalNode,
  type Constraint,
  type ConstraintNode,
  type Policy,
  type TypeSet,
} from "../policydb/policy.ts";

const KEYWORDS: ReadonlyMap<number, string> = new Map([
  [AV.allowed, "allow"],
  [AV.auditallow, "auditallow"],
  [AV.auditdeny, "dontaudit"],
]);

/** An allow, auditallow or dontaudit rule. */
export function ruleText(policy: Policy, table: AvTable, rule: number): string {
  const specified = table.specified[rule] ?? 0;
  const data = table.data[rule] ?? 0;
  const mask = specified === AV.auditdeny ? ~data : data;
  const tclass = policy.classes[(table.class[rule] ?? 0) - 1];
  const source = typeName(policy, table.source[rule] ?? 0);
  const target = typeName(policy, table.target[rule] ?? 0);
  const permissions = permissionsText(tclass?.permissions ?? [], mask);
  return `(${KEYWORDS.get(specified) ?? "rule"} ${source} ${target} (${tclass?.name ?? "?"} ${permissions}))`;
}

export const permissionsText = (names: readonly string[], mask: number): string =>
  `(${names.filter((_, bit) => (mask & (1 << bit)) !== 0).join(" ")})`;

export const typeName = (policy: Policy, type: number): string =>
  policy.types[type - 1]?.name ?? "?";

export function constraintText(policy: Policy, tclass: number, constraint: Constraint): string {
  const { name = "?", permissions = [] } = policy.classes[tclass - 1] ?? {};
  const expression = prefixed(constraint.expression, (node) => nodeText(policy, node));
  return `(${isMls(constraint) ? "mlsconstrain" : "constrain"} (${name} ${permissionsText(permissions, constraint.permissions)}) ${expression})`;
}

/** What a constraint compares levels by is said of it only in a policy with MLS. */
const isMls = ({ expression }: Constraint): boolean =>
  expression.some((node) => node.kind === "attribute" && /[lh]/.test(node.attribute.slice(0, 1)));

/** The condition of a `booleanif`. */
export const conditionText = (policy: Policy, expression: readonly ConditionalNode[]): string =>
  prefixed(expression, (node) =>
    node.kind === "boolean" ? (policy.booleans[node.boolean - 1]?.name ?? "?") : node.kind,
  );

/** Postfix as lists: operators are `not`, which has one operand, and others, which have two. */
function prefixed<N extends { readonly kind: string }>(
  nodes: readonly N[],
  textOf: (node: N) => string,
): string {
  const stack: string[] = [];
  for (const node of nodes) {
    if (OPERATORS.has(node.kind)) {
      const operands = stack.splice(node.kind === "not" ? -1 : -2);
      stack.push(`(${node.kind} ${operands.join(" ")})`);
    } else stack.push(textOf(node));
  }
  return stack.join(" ");
}

const OPERATORS: ReadonlySet<string> = new Set(["not", "and", "or", "xor", "eq", "neq"]);

const SIDES: Readonly<Record<string, string>> = {
  user: "u1 u2",
  role: "r1 r2",
  type: "t1 t2",
};

function nodeText(policy: Policy, node: ConstraintNode): string {
  if (node.kind === "attribute")
    return `(${node.operator} ${SIDES[node.attribute] ?? node.attribute})`;
  if (node.kind !== "names") return node.kind;
  const letter = { user: "u", role: "r", type: "t" }[node.attribute];
  return `(${node.operator} ${letter}${node.context} ${namesText(policy, node)})`;
}

function namesText(policy: Policy, node: ConstraintNode & { readonly kind: "names" }): string {
  const { attribute, names, written } = node;
  if (attribute === "type" && written !== null) return typeSetText(policy, written);
  const named = { user: policy.users, role: policy.roles, type: policy.types }[attribute];
  return listed(valuesOf(names).map((bit) => named[bit]?.name ?? "?"));
}

function typeSetText(policy: Policy, { types, negated, flags }: TypeSet): string {
  const namesOf = (set: TypeSet["types"]): string =>
    listed(valuesOf(set).map((bit) => typeName(policy, bit + 1)));
  if (flags === 1) return "(all)";
  if (flags === 2) return `(not ${namesOf(types)})`;
  return negated.length === 0
    ? namesOf(types)
    : `(and ${namesOf(types)} (not ${namesOf(negated)}))`;
}

const listed = (names: readonly string[]): string =>
  names.length === 1 ? (names[0] as string) : `(${names.join(" ")})`;
