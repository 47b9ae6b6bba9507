/** Constraints and validatetrans. Linux, security/selinux/ss/services.c, constraint_expr_eval. */

import type { ConstraintNode, Context } from "../policydb/policy.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** `third` is the task of a validatetrans. */
export declare function holds(
  loaded: LoadedPolicy,
  expression: readonly ConstraintNode[],
  first: Context,
  second: Context,
  third: Context | null,
): boolean;

/** Index of the first validatetrans of the class that refuses that an object of `old` becomes `next` by `task`; null when none does. */
export declare function refusedTransition(
  loaded: LoadedPolicy,
  old: Context,
  next: Context,
  task: Context,
  tclass: number,
): number | null;
