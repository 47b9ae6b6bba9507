/** Constraints and validatetrans. Linux, security/selinux/ss/services.c, constraint_expr_eval. */

import { EMPTY, has } from "../policydb/ebitmap.ts";
import type {
  ConstraintAttribute,
  ConstraintNode,
  ConstraintOperator,
  Context,
  MlsLevel,
  Policy,
} from "../policydb/policy.ts";
import { dominates, isEqualLevel } from "../policydb/valid.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Whether the expression of a constraint is true. `third` is the task of a validatetrans. */
export function holds(
  policy: Pick<Policy, "roles">,
  expression: readonly ConstraintNode[],
  first: Context,
  second: Context,
  third: Context | null,
): boolean {
  const values: boolean[] = [];
  for (const node of expression) {
    switch (node.kind) {
      case "not":
        values.push(values.pop() !== true);
        break;
      case "and":
      case "or": {
        const right = values.pop() === true;
        const left = values.pop() === true;
        values.push(node.kind === "and" ? left && right : left || right);
        break;
      }
      case "attribute":
        values.push(compare(policy, node.attribute, node.operator, first, second));
        break;
      case "names": {
        const context = node.context === 1 ? first : node.context === 2 ? second : third;
        const value = context?.[node.attribute] ?? 0;
        values.push(has(node.names, value - 1) === (node.operator === "eq"));
        break;
      }
    }
  }
  return values[0] === true;
}

function compare(
  policy: Pick<Policy, "roles">,
  attribute: ConstraintAttribute,
  operator: ConstraintOperator,
  first: Context,
  second: Context,
): boolean {
  switch (attribute) {
    case "user":
    case "type":
      return (first[attribute] === second[attribute]) === (operator === "eq");
    case "role":
      return compareRoles(policy, operator, first.role, second.role);
    case "l1 l2":
      return compareLevels(operator, lowOf(first), lowOf(second));
    case "l1 h2":
      return compareLevels(operator, lowOf(first), highOf(second));
    case "h1 l2":
      return compareLevels(operator, highOf(first), lowOf(second));
    case "h1 h2":
      return compareLevels(operator, highOf(first), highOf(second));
    case "l1 h1":
      return compareLevels(operator, lowOf(first), highOf(first));
    case "l2 h2":
      return compareLevels(operator, lowOf(second), highOf(second));
  }
}

/** Of every context of a policy without MLS. */
const NO_LEVEL: MlsLevel = { sensitivity: 0, categories: EMPTY };
const lowOf = ({ range }: Context): MlsLevel => range?.low ?? NO_LEVEL;
const highOf = ({ range }: Context): MlsLevel => range?.high ?? NO_LEVEL;

function compareRoles(
  { roles }: Pick<Policy, "roles">,
  operator: ConstraintOperator,
  first: number,
  second: number,
): boolean {
  const isOver = (upper: number, lower: number): boolean =>
    has(roles[upper - 1]?.dominates ?? EMPTY, lower - 1);
  switch (operator) {
    case "eq":
      return first === second;
    case "neq":
      return first !== second;
    case "dom":
      return isOver(first, second);
    case "domby":
      return isOver(second, first);
    case "incomp":
      return !isOver(first, second) && !isOver(second, first);
  }
}

function compareLevels(operator: ConstraintOperator, first: MlsLevel, second: MlsLevel): boolean {
  switch (operator) {
    case "eq":
      return isEqualLevel(first, second);
    case "neq":
      return !isEqualLevel(first, second);
    case "dom":
      return dominates(first, second);
    case "domby":
      return dominates(second, first);
    case "incomp":
      return !dominates(first, second) && !dominates(second, first);
  }
}

/** Index of the first validatetrans of the class that refuses that an object of `old` becomes `next` by `task`; null when none does. */
export function refusedTransition(
  { policy }: LoadedPolicy,
  old: Context,
  next: Context,
  task: Context,
  tclass: number,
): number | null {
  const rules = policy.classes[tclass - 1]?.validateTransitions ?? [];
  const refused = rules.findIndex(({ expression }) => !holds(policy, expression, old, next, task));
  return refused < 0 ? null : refused;
}
