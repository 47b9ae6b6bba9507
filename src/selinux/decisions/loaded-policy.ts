/** A policy with what makes decisions quick: names to values, rules in the order that they are looked for. Immutable. Linux, security/selinux/ss/policydb.c, policydb_index. */

import type { Policy } from "../policydb/policy.ts";
import { type LabelIndex, labelIndex } from "./label-index.ts";
import { type Names, namesOf } from "./names.ts";
import { conditionalIndex, type RuleIndex, ruleIndex } from "./rule-index.ts";

export interface LoadedPolicy {
  readonly policy: Policy;
  /** Values of what has a name, aliases included. */
  readonly names: Names;
  /** Value of the class `process`; 0 when the policy has none. */
  readonly processClass: number;
  /** Permissions `transition` and `dyntransition` of that class: a mask. */
  readonly transitionPermissions: number;
  /** By class value: whether the kernel takes its objects for sockets. */
  readonly isSocket: readonly boolean[];
  /** The rules that hold always. */
  readonly rules: RuleIndex;
  /** Those of all conditionals, both branches. */
  readonly conditionalRules: RuleIndex;
  readonly labels: LabelIndex;
}

export function loadPolicy(policy: Policy): LoadedPolicy {
  const names = namesOf(policy);
  const processClass = names.classes.get("process") ?? 0;
  return {
    policy,
    names,
    processClass,
    transitionPermissions: transitionPermissionsOf(policy, processClass),
    isSocket: [false, ...policy.classes.map(({ name }) => name.endsWith("socket"))],
    rules: ruleIndex(policy.rules),
    conditionalRules: conditionalIndex(policy.conditionals),
    labels: labelIndex(policy),
  };
}

function transitionPermissionsOf(policy: Policy, processClass: number): number {
  const permissions = policy.classes[processClass - 1]?.permissions ?? [];
  let mask = 0;
  for (const name of ["transition", "dyntransition"]) {
    const bit = permissions.indexOf(name);
    if (bit >= 0) mask |= 1 << bit;
  }
  return mask >>> 0;
}
