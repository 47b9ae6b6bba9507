/** typetransition, with a name or without, typemember and typechange. CIL Reference Guide, "Type Statements". */

import { AV } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import { type List, show } from "./forms.ts";
import type { Rule } from "./rule-table.ts";
import { bit } from "./sets.ts";
import { atomOf, type Statement, type Statements } from "./statement.ts";
import { ruleTypes, typeOf, valuesOf } from "./types.ts";

const SPECIFIED = {
  typetransition: AV.transition,
  typemember: AV.member,
  typechange: AV.change,
} as const;
export type TypeRuleKeyword = keyof typeof SPECIFIED;

export const TYPE_RULE_STATEMENTS: Statements = {
  typetransition: typeRule("typetransition", 1),
  typemember: typeRule("typemember", 0),
  typechange: typeRule("typechange", 0),
};

function typeRule(keyword: TypeRuleKeyword, names: number): Statement {
  return {
    phase: "rule",
    form: `(${keyword} source target class ${names === 0 ? "" : "[name] "}type)`,
    operands: [4, 4 + names],
    compile: (c, _, statement) =>
      compileTypeRule(c, keyword, statement, (rule, type) => {
        const known = c.rules.get(rule);
        if (known === null) c.rules.append(rule, type);
        else checkSame(c, known, type, statement);
      }),
  };
}

/** One type for a source, a target and a class. */
export function checkSame(c: Compilation, known: number, type: number, statement: List): void {
  if (known !== type) {
    c.fail(statement, "expected the same type as another rule gives to source, target and class");
  }
}

export function compileTypeRule(
  c: Compilation,
  keyword: TypeRuleKeyword,
  statement: List,
  add: (rule: Rule, type: number) => void,
): void {
  const [, , , className, name, last] = statement.items;
  const tclass = c.classes.find(className, statement).value;
  const result = typeOf(c, last ?? name, statement).value;
  const fileName = last === undefined ? null : atomOf(c, name, statement).text;
  for (const [source, target] of pairsOfTypes(c, statement)) {
    if (fileName === null || fileName === "*") {
      add({ source, target, class: tclass, specified: SPECIFIED[keyword] }, result);
    } else
      addFilenameTransition(
        c,
        statement,
        { name: fileName, source, target, class: tclass },
        result,
      );
  }
}

/** Such rules hold types alone, so attributes are expanded. */
function pairsOfTypes(c: Compilation, statement: List): readonly (readonly [number, number])[] {
  const [, sourceName, targetName] = statement.items;
  const { source, target } = ruleTypes(c, sourceName, targetName, statement);
  const sources = valuesOf(source);
  if (target === null) {
    c.spend(sources.length, statement);
    return sources.map((type) => [type, type]);
  }
  const targets = valuesOf(target);
  c.spend(sources.length * targets.length, statement);
  return sources.flatMap((from) => targets.map((to) => [from, to] as const));
}

function addFilenameTransition(
  c: Compilation,
  statement: List,
  rule: { name: string; source: number; target: number; class: number },
  newType: number,
): void {
  const { name, source, target } = rule;
  const key = `${target} ${rule.class} ${name}`;
  const known = c.filenameTransitions.get(key) ?? {
    name,
    target,
    class: rule.class,
    sources: new Map<number, bigint>(),
  };
  c.filenameTransitions.set(key, known);
  const bits = bit(source - 1);
  for (const [type, sources] of known.sources)
    if (type !== newType && (sources & bits) !== 0n) {
      c.fail(
        statement,
        `expected the same type as another rule for the name ${show({ at: 0, text: name })}`,
      );
    }
  known.sources.set(newType, (known.sources.get(newType) ?? 0n) | bits);
}
