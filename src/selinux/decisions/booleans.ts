/** Booleans and the conditionals that depend on them. Linux, security/selinux/ss/conditional.c. */

import type { ConditionalNode } from "../policydb/policy.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** What the booleans say, worked out once for all decisions under it. Immutable. */
export interface BooleanState {
  /** By boolean value - 1. */
  readonly values: readonly boolean[];
  /** By index of the conditional: null when its expression cannot be evaluated, and neither branch holds. */
  readonly conditionals: readonly (boolean | null)[];
}

/** `values`: by boolean value - 1; those of the policy where it has none. */
export function booleanState(loaded: LoadedPolicy, values?: readonly boolean[]): BooleanState {
  const all = loaded.policy.booleans.map(({ defaultState }, i) => values?.[i] ?? defaultState);
  return {
    values: all,
    conditionals: loaded.policy.conditionals.map(({ expression }) =>
      evaluateConditional(expression, all),
    ),
  };
}

/** Expressions deeper than this are not evaluated. */
const DEPTH_MAX = 10;

/** Null for an expression that has too few operands, or is too deep. What is left over is passed by, as in the kernel. */
export function evaluateConditional(
  expression: readonly ConditionalNode[],
  values: readonly boolean[],
): boolean | null {
  const stack: boolean[] = [];
  for (const node of expression) {
    if (node.kind === "boolean") {
      if (stack.length === DEPTH_MAX) return null;
      stack.push(values[node.boolean - 1] === true);
      continue;
    }
    const right = stack.pop();
    if (right === undefined) return null;
    if (node.kind === "not") {
      stack.push(!right);
      continue;
    }
    const left = stack.pop();
    if (left === undefined) return null;
    stack.push(combine(node.kind, left, right));
  }
  return stack[0] ?? null;
}

function combine(
  kind: Exclude<ConditionalNode["kind"], "boolean" | "not">,
  left: boolean,
  right: boolean,
): boolean {
  switch (kind) {
    case "or":
      return left || right;
    case "and":
      return left && right;
    case "xor":
    case "neq":
      return left !== right;
    case "eq":
      return left === right;
  }
}
