/** Why an access is allowed or denied: the rules, constraints, role allow and bounds that decide it. */

import type { Context } from "../policydb/policy.ts";
import type { BooleanState } from "./booleans.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

export interface Explanation {
  readonly allowed: boolean;
  /** Allow rules that grant the permission; those of a conditional with whether its branch holds. */
  readonly rules: readonly RuleReference[];
  /** dontaudit and auditallow rules that speak of it. */
  readonly audits: readonly RuleReference[];
  /** Indexes of the class's constraints that deny it. */
  readonly constraints: readonly number[];
  /** The role may not change to the other one, and the permission changes domains. */
  readonly roleAllowMissing: boolean;
  /** The bounding pair of types that is not allowed it, when that takes it away. */
  readonly bounds: { readonly source: number; readonly target: number } | null;
}

export interface RuleReference {
  /** Null: in `policy.rules`. Else the conditional, and the branch that the rule is in. */
  readonly conditional: { readonly index: number; readonly branch: boolean } | null;
  /** In the table of rules. */
  readonly rule: number;
  /** Whether it holds with these booleans. */
  readonly active: boolean;
}

/** `permission`: a mask of one bit. */
export declare function explain(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  permission: number,
): Explanation;
