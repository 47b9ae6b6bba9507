/** allow, auditallow, dontaudit and neverallow. CIL Reference Guide, "Access Vector Rules". */

import { AV } from "../policydb/policy.ts";
import { classPermissionsOf } from "./classes.ts";
import type { Compilation, WrittenPairs } from "./compilation.ts";
import type { Form, List } from "./forms.ts";
import type { Rule, RuleTable } from "./rule-table.ts";
import type { Statement, Statements } from "./statement.ts";
import { type RuleTypes, ruleTypes, typesOf, valueOf, valuesOf } from "./types.ts";

/** Where rules go: those of the policy are merged, those under a condition stand as they are. */
export interface Destination {
  readonly rules: RuleTable;
  readonly merged: boolean;
}

/** Bits of `specified` by keyword. */
const SPECIFIED = {
  allow: AV.allowed,
  auditallow: AV.auditallow,
  dontaudit: AV.auditdeny,
} as const;
type Keyword = keyof typeof SPECIFIED;

export const ACCESS_STATEMENTS: Statements = {
  allow: accessStatement("allow"),
  auditallow: accessStatement("auditallow"),
  dontaudit: accessStatement("dontaudit"),
  neverallow: neverallowStatement(
    "(neverallow source target (class (permission …)))",
    classPermissionsOf,
  ),
};

/** `read`: what it forbids, which must make sense here already. */
export function neverallowStatement(
  form: string,
  read: (c: Compilation, permissions: Form, statement: List) => unknown,
): Statement {
  return {
    phase: "rule",
    form,
    operands: [3, 3],
    compile: (c, [source, target, permissions], statement) => {
      const types = ruleTypes(c, source, target, statement);
      // An attribute that only such a rule names is in the policy too.
      if (types.target !== null) {
        valueOf(c, types.source, statement);
        valueOf(c, types.target, statement);
      }
      read(c, permissions as Form, statement);
      c.neverallows.push(statement);
    },
  };
}

function accessStatement(keyword: Keyword): Statement {
  return {
    phase: "rule",
    form: `(${keyword} source target (class (permission …)))`,
    operands: [3, 3],
    compile: (c, _, statement) =>
      compileAccess(c, keyword, statement, { rules: c.rules, merged: true }),
  };
}

export function compileAccess(
  c: Compilation,
  keyword: Keyword,
  statement: List,
  destination: Destination,
): void {
  const [, source, target, permissions] = statement.items;
  const types = ruleTypes(c, source, target, statement);
  for (const { class: tclass, mask } of classPermissionsOf(c, permissions as Form, statement)) {
    if (mask === 0) continue;
    if (keyword === "allow") {
      const pairs = pairsWritten(statement, types);
      c.allows.push({ ...pairs, class: tclass, mask, table: destination.rules });
    }
    const data = keyword === "dontaudit" ? ~mask >>> 0 : mask;
    for (const pair of pairsOf(c, types, statement)) {
      const rule: Rule = { ...pair, class: tclass.value, specified: SPECIFIED[keyword] };
      if (destination.merged) destination.rules.merge(rule, data);
      else destination.rules.append(rule, data);
    }
  }
}

interface Pair {
  readonly source: number;
  readonly target: number;
}

/** As the rules name them: attributes stay, but for `self`, and where one is empty there is no rule. */
export function pairsOf(
  c: Compilation,
  { source, target }: RuleTypes,
  place: List,
): readonly Pair[] {
  if (target === null) {
    const types = valuesOf(source);
    c.spend(types.length, place);
    return types.map((type) => ({ source: type, target: type }));
  }
  c.spend(1, place);
  const [from, to] = [source, target].map((entry) =>
    typesOf(entry) === 0n ? 0 : valueOf(c, entry, place),
  ) as [number, number];
  return from === 0 || to === 0 ? [] : [{ source: from, target: to }];
}

/** What a rule says of which types, for checks when all rules are known. */
export function pairsWritten(statement: List, { source, target }: RuleTypes): WrittenPairs {
  const types = typesOf(source);
  return {
    at: statement.at,
    source: types,
    target: target === null ? types : typesOf(target),
    self: target === null,
  };
}
