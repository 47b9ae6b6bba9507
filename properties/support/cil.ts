/** Small policies as text, and what they say by a slow model: every set a set of names, every rule written out. */

import fc from "fast-check";
import { has } from "../../src/selinux/policydb/ebitmap.ts";
import { AV, type AvTable, type Policy } from "../../src/selinux/policydb/policy.ts";

export type SetExpression =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list"; readonly parts: readonly SetExpression[] }
  | { readonly kind: "and" | "or" | "xor"; readonly parts: readonly [SetExpression, SetExpression] }
  | { readonly kind: "not"; readonly parts: readonly [SetExpression] }
  | { readonly kind: "all" };

export interface AccessRule {
  readonly keyword: "allow" | "auditallow" | "dontaudit" | "neverallow";
  readonly source: string;
  /** A name, or `self`. */
  readonly target: string;
  readonly permissions: readonly string[];
  /** Of the boolean `b`; null for a rule that holds always. */
  readonly branch: boolean | null;
}

export interface TypeTransition {
  readonly source: string;
  readonly target: string;
  /** Of the new file, or null. */
  readonly file: string | null;
}

export interface SmallPolicy {
  /** Each names those before it alone. */
  readonly attributes: readonly { readonly name: string; readonly expression: SetExpression }[];
  readonly rules: readonly AccessRule[];
  /** All to the type `n`, so that no two contradict each other. */
  readonly transitions: readonly TypeTransition[];
  /** The order of statements is drawn from it. */
  readonly order: number;
}

const TYPES = ["t", "u", "v", "w"] as const;
const PERMISSIONS = ["read", "write", "ioctl", "open"] as const;
/** Another name of `t`. */
const ALIAS = "tt";
const NEW_TYPE = "n";

const anyExpression = (names: readonly string[]): fc.Arbitrary<SetExpression> =>
  fc.letrec<{ expression: SetExpression }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.record({ kind: fc.constant("name" as const), name: fc.constantFrom(...names) }),
      fc.constant({ kind: "all" as const }),
      fc.record({
        kind: fc.constant("list" as const),
        parts: fc.array(
          fc.record({ kind: fc.constant("name" as const), name: fc.constantFrom(...names) }),
          { minLength: 1, maxLength: 3 },
        ),
      }),
      fc.record({
        kind: fc.constantFrom("and" as const, "or" as const, "xor" as const),
        parts: fc.tuple(tie("expression"), tie("expression")),
      }),
      fc.record({ kind: fc.constant("not" as const), parts: fc.tuple(tie("expression")) }),
    ),
  })).expression;

export const anySmallPolicy = (
  keywords: readonly AccessRule["keyword"][] = ["allow", "auditallow", "dontaudit"],
): fc.Arbitrary<SmallPolicy> => {
  const names = [...TYPES, ALIAS, "a", "b"];
  const target = fc.constantFrom(...names, "self");
  return fc.record({
    attributes: fc
      .tuple(anyExpression([...TYPES, ALIAS]), anyExpression([...TYPES, ALIAS, "a"]))
      .map(([a, b]) => [
        { name: "a", expression: a },
        { name: "b", expression: b },
      ]),
    rules: fc.array(
      fc
        .record({
          keyword: fc.constantFrom(...keywords),
          source: fc.constantFrom(...names),
          target,
          permissions: fc.uniqueArray(fc.constantFrom(...PERMISSIONS), {
            minLength: 1,
            maxLength: 2,
          }),
          branch: fc.constantFrom(null, null, true, false),
        })
        .map((rule) => (rule.keyword === "neverallow" ? { ...rule, branch: null } : rule)),
      { maxLength: 6 },
    ),
    transitions: fc.array(
      fc.record({
        source: fc.constantFrom(...names),
        target,
        file: fc.constantFrom(null, "name", "other"),
      }),
      { maxLength: 3 },
    ),
    order: fc.nat(),
  });
};

const PREAMBLE = [
  "(mls false)",
  `(class file (${PERMISSIONS.join(" ")}))`,
  "(classorder (file))",
  "(sensitivity s0)",
  "(sensitivityorder (s0))",
  "(boolean b true)",
  ...[...TYPES, NEW_TYPE].map((type) => `(type ${type})`),
  `(typealias ${ALIAS})`,
  `(typealiasactual ${ALIAS} ${TYPES[0]})`,
];

/** In an order that `order` draws: it means nothing. */
export function textOf({ attributes, rules, transitions, order }: SmallPolicy): string {
  const statements = [
    ...PREAMBLE,
    ...attributes.flatMap(({ name, expression }) => [
      `(typeattribute ${name})`,
      `(typeattributeset ${name} ${expressionText(expression)})`,
    ]),
    ...rules.map(ruleText),
    ...transitions.map(
      ({ source, target, file }) =>
        `(typetransition ${source} ${target} file ${file === null ? "" : `"${file}" `}${NEW_TYPE})`,
    ),
  ];
  return `${shuffled(statements, order).join("\n")}\n`;
}

/** A linear congruence is enough to bring lines out of order. */
function shuffled(lines: readonly string[], order: number): readonly string[] {
  let state = order;
  const keyed = lines.map((line) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return { line, key: order === 0 ? 0 : state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ line }) => line);
}

function expressionText(expression: SetExpression): string {
  if (expression.kind === "name") return expression.name;
  if (expression.kind === "all") return "(all)";
  const parts = expression.parts.map(expressionText).join(" ");
  return expression.kind === "list" ? `(${parts})` : `(${expression.kind} ${parts})`;
}

function ruleText({ keyword, source, target, permissions, branch }: AccessRule): string {
  const rule = `(${keyword} ${source} ${target} (file (${permissions.join(" ")})))`;
  return branch === null ? rule : `(booleanif b (${branch} ${rule}))`;
}

/** The types that a name stands for. */
export function membersOf(policy: SmallPolicy, name: string): ReadonlySet<string> {
  const attribute = policy.attributes.find((one) => one.name === name);
  if (attribute === undefined) return new Set([name === ALIAS ? TYPES[0] : name]);
  return typesIn(policy, attribute.expression);
}

const ALL: readonly string[] = [...TYPES, NEW_TYPE];

function typesIn(policy: SmallPolicy, expression: SetExpression): ReadonlySet<string> {
  const holds = (type: string): boolean => isIn(policy, type, expression);
  return new Set(ALL.filter(holds));
}

function isIn(policy: SmallPolicy, type: string, expression: SetExpression): boolean {
  switch (expression.kind) {
    case "name":
      return membersOf(policy, expression.name).has(type);
    case "all":
      return true;
    case "list":
      return expression.parts.some((part) => isIn(policy, type, part));
    case "not":
      return !isIn(policy, type, expression.parts[0]);
    default: {
      const [a, b] = expression.parts.map((part) => isIn(policy, type, part));
      if (expression.kind === "and") return a === true && b === true;
      return expression.kind === "or" ? a === true || b === true : a !== b;
    }
  }
}

/** Each pair of types that a rule speaks of, as `source target`. */
export function pairsOf(
  policy: SmallPolicy,
  { source, target }: { readonly source: string; readonly target: string },
): readonly string[] {
  return [...membersOf(policy, source)].flatMap((from) =>
    (target === "self" ? [from] : [...membersOf(policy, target)]).map((to) => `${from} ${to}`),
  );
}

/** Lines as `allow t u read`, those of a branch with it before them. */
export function saidByText(policy: SmallPolicy): ReadonlySet<string> {
  const lines = new Set<string>();
  for (const rule of policy.rules)
    for (const pair of pairsOf(policy, rule))
      for (const permission of rule.permissions)
        lines.add(`${rule.branch ?? "always"} ${rule.keyword} ${pair} ${permission}`);
  for (const rule of policy.transitions)
    for (const pair of pairsOf(policy, rule)) lines.add(`transition ${pair} ${rule.file ?? ""}`);
  return lines;
}

const KEYWORDS = new Map<number, string>([
  [AV.allowed, "allow"],
  [AV.auditallow, "auditallow"],
  [AV.auditdeny, "dontaudit"],
]);

/** The same of a policy, attributes written out. */
export function saidByPolicy(policy: Policy): ReadonlySet<string> {
  const lines = new Set<string>();
  addRules(policy, policy.rules, "always", lines);
  for (const { whenTrue, whenFalse, expression } of policy.conditionals) {
    if (expression.length !== 1) throw new Error("a conditional of one boolean has one node");
    addRules(policy, whenTrue, "true", lines);
    addRules(policy, whenFalse, "false", lines);
  }
  for (const { name, target, sources, newType } of policy.filenameTransitions)
    for (const [i, { name: source }] of policy.types.entries())
      if (has(sources, i)) {
        if (policy.types[newType - 1]?.name !== NEW_TYPE) throw new Error("it has another type");
        lines.add(`transition ${source} ${policy.types[target - 1]?.name} ${name}`);
      }
  return lines;
}

function addRules(policy: Policy, table: AvTable, branch: string, lines: Set<string>): void {
  for (const [i, specified] of table.specified.entries()) {
    const pairs = membersIn(policy, table.source[i] ?? 0).flatMap((from) =>
      membersIn(policy, table.target[i] ?? 0).map((to) => `${from} ${to}`),
    );
    const data = table.data[i] ?? 0;
    const keyword = KEYWORDS.get(specified);
    if (keyword === undefined) {
      if (policy.types[data - 1]?.name !== NEW_TYPE) throw new Error("it has another type");
      for (const pair of pairs) lines.add(`transition ${pair} `);
      continue;
    }
    const mask = keyword === "dontaudit" ? ~data : data;
    const permissions = policy.classes[(table.class[i] ?? 0) - 1]?.permissions ?? [];
    for (const pair of pairs)
      for (const [bit, permission] of permissions.entries())
        if (((mask >>> bit) & 1) === 1) lines.add(`${branch} ${keyword} ${pair} ${permission}`);
  }
}

/** Names of the types that have this value, which may be an attribute's. */
const membersIn = ({ types, attributesOf }: Policy, value: number): readonly string[] =>
  types.flatMap(({ name, attribute }, i) =>
    !attribute && has(attributesOf[i] ?? [], value - 1) ? [name] : [],
  );

/** What is in one and not in the other. */
export function differenceOf(a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] {
  return [...[...a].filter((line) => !b.has(line)), ...[...b].filter((line) => !a.has(line))];
}
