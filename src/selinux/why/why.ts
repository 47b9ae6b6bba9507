/** In plain words which rule or constraint decided. As audit2why(8), of allowed accesses too. */

import type { BooleanState } from "../decisions/booleans.ts";
import { formatContext } from "../decisions/contexts.ts";
import { explain, type Explanation, type RuleReference } from "../decisions/explain.ts";
import type { LoadedPolicy } from "../decisions/loaded-policy.ts";
import { answer, type Query } from "./queries.ts";
import { conditionText, constraintText, ruleText, typeName } from "./rule-text.ts";

/** Of each permission that was asked for, one paragraph of lines. */
export function why(loaded: LoadedPolicy, booleans: BooleanState, query: Query): readonly string[] {
  const { source, target, tclass, permissions } = query;
  const className = loaded.policy.classes[tclass - 1]?.name ?? "?";
  const { denied, permissive } = answer(loaded, booleans, query);
  const from = formatContext(loaded, source);
  const to = formatContext(loaded, target);
  const lines = [`${from} asks ${to} as ${className}:`];
  for (const permission of permissions) {
    const isDenied = denied.includes(permission.name);
    const end = isDenied && permissive ? ", but let pass: its domain is permissive" : "";
    lines.push(`  ${permission.name} is ${isDenied ? "denied" : "allowed"}${end}`);
    const found = explain(loaded, booleans, source, target, tclass, permission.bit);
    const reasons = reasonsOf(loaded, query, found);
    if (isDenied && found.allowed)
      reasons.push(
        `rules on commands of ioctl do not list ${permission.name.replace(/^ioctl:/, "")}`,
      );
    lines.push(...reasons.map((reason) => `    ${reason}`));
  }
  return lines;
}

function reasonsOf(loaded: LoadedPolicy, query: Query, found: Explanation): string[] {
  const { policy } = loaded;
  const active = found.rules.filter((rule) => rule.active);
  const inactive = found.rules.filter((rule) => !rule.active);
  const roles = [query.source, query.target].map(({ role }) => policy.roles[role - 1]?.name ?? "?");
  const { bounds } = found;
  return [
    ...(active.length === 0
      ? ["no rule allows it"]
      : active.map(
          (rule) => `${found.allowed ? "granted by" : "a rule allows it:"} ${textOf(loaded, rule)}`,
        )),
    ...(active.length === 0
      ? inactive.map((rule) => `would be granted by ${textOf(loaded, rule)}`)
      : []),
    ...found.constraints.map((index) => `denied by ${constraintOf(loaded, query.tclass, index)}`),
    ...(found.roleAllowMissing
      ? [`denied because there is no (roleallow ${roles.join(" ")})`]
      : []),
    ...(bounds === null
      ? []
      : [
          `denied because ${typeName(policy, bounds.source)}, which bounds it, is not allowed it to ${typeName(policy, bounds.target)}`,
        ]),
    ...(found.allowed ? [] : found.audits.map((rule) => `spoken of by ${textOf(loaded, rule)}`)),
  ];
}

function textOf({ policy }: LoadedPolicy, { conditional, rule }: RuleReference): string {
  if (conditional === null) return ruleText(policy, policy.rules, rule);
  const one = policy.conditionals[conditional.index];
  if (one === undefined) return "?";
  const table = conditional.branch ? one.whenTrue : one.whenFalse;
  return `${ruleText(policy, table, rule)} while ${conditionText(policy, one.expression)} is ${conditional.branch}`;
}

function constraintOf({ policy }: LoadedPolicy, tclass: number, index: number): string {
  const constraint = policy.classes[tclass - 1]?.constraints[index];
  return constraint === undefined ? "?" : constraintText(policy, tclass, constraint);
}
