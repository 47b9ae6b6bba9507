/** Why an access is allowed or denied: the rules, constraints, role allow and bounds that decide it. Linux, security/selinux/ss/services.c, context_struct_compute_av, step by step. */

import { AV, type Context } from "../policydb/policy.ts";
import { attributesOf, boundsOf, computeAccess, isActive, lacksRoleAllow } from "./access.ts";
import type { BooleanState } from "./booleans.ts";
import { holds } from "./constraints.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";
import { matching, type RuleIndex, typeBits, typesOf } from "./rule-index.ts";

export interface Explanation {
  readonly allowed: boolean;
  /** Allow rules that grant the permission; those of a conditional with whether its branch holds. */
  readonly rules: readonly RuleReference[];
  /** auditallow rules that have it, and dontaudit rules that silence it. */
  readonly audits: readonly RuleReference[];
  /** Indexes of the class's constraints that deny it. */
  readonly constraints: readonly number[];
  /** The role may not change to the other one, and the permission changes domains. */
  readonly roleAllowMissing: boolean;
  /** The bounding pair of types, when what that is not allowed takes the permission away. */
  readonly bounds: { readonly source: number; readonly target: number } | null;
}

export interface RuleReference {
  /** Null: in `policy.rules`. Else the conditional, and the branch that the rule is in. */
  readonly conditional: { readonly index: number; readonly branch: boolean } | null;
  /** Index in the table of rules. */
  readonly rule: number;
  /** Whether it holds with these booleans. */
  readonly active: boolean;
}

/** `permission`: a mask of one bit. */
export function explain(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  permission: number,
): Explanation {
  const { policy } = loaded;
  const speaking = rulesOf(loaded, booleans, source.type, target.type, tclass, permission);
  const rules = speaking
    .filter(({ kind }) => kind === AV.allowed)
    .map(({ reference }) => reference);
  const constraints = (policy.classes[tclass - 1]?.constraints ?? []).flatMap(
    ({ permissions, expression }, i) =>
      (permissions & permission) !== 0 && !holds(policy, expression, source, target, null)
        ? [i]
        : [],
  );
  const roleAllowMissing =
    (permission & loaded.transitionPermissions) !== 0 &&
    lacksRoleAllow(loaded, source, target, tclass);
  const { allowed } = computeAccess(loaded, booleans, source, target, tclass);
  const bounds = boundsOf(loaded, source, target);
  const isBound =
    bounds !== null &&
    (computeAccess(loaded, booleans, bounds.source, bounds.target, tclass).allowed & permission) ===
      0;
  return {
    allowed: (allowed & permission) !== 0,
    rules,
    audits: speaking.filter(({ kind }) => kind !== AV.allowed).map(({ reference }) => reference),
    constraints,
    roleAllowMissing,
    bounds: isBound ? { source: bounds.source.type, target: bounds.target.type } : null,
  };
}

interface SpeakingRule {
  readonly kind: number;
  readonly reference: RuleReference;
}

function rulesOf(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: number,
  target: number,
  tclass: number,
  permission: number,
): SpeakingRule[] {
  const { policy, rules, conditionalRules } = loaded;
  const sources = typesOf(attributesOf(policy.attributesOf, source));
  const targets = typeBits(attributesOf(policy.attributesOf, target), policy.types.length);
  const speaking: SpeakingRule[] = [];
  const take = (
    index: RuleIndex,
    place: (table: number) => Pick<RuleReference, "conditional" | "active">,
  ): void => {
    for (const position of matching(index, sources, targets, tclass)) {
      const kind = index.specified[position] as number;
      if (!speaksOf(kind, index.data[position] as number, permission)) continue;
      const rule = index.rule[position] as number;
      speaking.push({ kind, reference: { ...place(index.table[position] as number), rule } });
    }
  };
  take(rules, () => ({ conditional: null, active: true }));
  take(conditionalRules, (table) => ({
    conditional: { index: table >>> 1, branch: (table & 1) === 0 },
    active: isActive(booleans, table),
  }));
  return speaking;
}

/** The data of a dontaudit rule are what it leaves to be audited. */
function speaksOf(kind: number, data: number, permission: number): boolean {
  if (kind === AV.auditdeny) return (data & permission) === 0;
  return (kind === AV.allowed || kind === AV.auditallow) && (data & permission) !== 0;
}
