/** What a policy decides, slowly and one permission at a time, as The SELinux Notebook tells it in "Computing Access Decisions" and "Computing Security Contexts". */

import { ebitmapOf, has, valuesOf } from "../../src/selinux/policydb/ebitmap.ts";
import {
  AV,
  type ConditionalNode,
  type ConstraintNode,
  type Context,
  type MlsLevel,
  type MlsRange,
  type Policy,
} from "../../src/selinux/policydb/policy.ts";
import { type Rule, rulesIn } from "./policy-rules.ts";

// Expressions: the last node is the root, and its operands stand before it.

/** The value of the expression that ends at `end`, and where it begins. */
function valueAt<T extends { readonly kind: string }>(
  nodes: readonly T[],
  end: number,
  leaf: (node: T) => boolean,
): readonly [value: boolean, start: number] {
  const node = nodes[end] as T;
  if (node.kind === "not") {
    const [value, start] = valueAt(nodes, end - 1, leaf);
    return [!value, start];
  }
  const operator = OPERATORS[node.kind];
  if (operator === undefined) return [leaf(node), end];
  const [right, middle] = valueAt(nodes, end - 1, leaf);
  const [left, start] = valueAt(nodes, middle - 1, leaf);
  return [operator(left, right), start];
}

const OPERATORS: Readonly<Record<string, (a: boolean, b: boolean) => boolean>> = {
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  xor: (a, b) => a !== b,
  neq: (a, b) => a !== b,
  eq: (a, b) => a === b,
};

const isTrue = (nodes: readonly ConditionalNode[], states: readonly boolean[]): boolean =>
  valueAt(
    nodes,
    nodes.length - 1,
    (node) => node.kind === "boolean" && states[node.boolean - 1] === true,
  )[0];

// Levels

export const modelDominates = (a: MlsLevel, b: MlsLevel): boolean => {
  const categories = new Set(valuesOf(a.categories));
  return a.sensitivity >= b.sensitivity && valuesOf(b.categories).every((c) => categories.has(c));
};

// Constraints

export function modelHolds(
  policy: Policy,
  nodes: readonly ConstraintNode[],
  contexts: readonly Context[],
): boolean {
  const nothing: MlsLevel = { sensitivity: 0, categories: [] };
  const levels = new Map<string, MlsLevel>();
  contexts.forEach(({ range }, i) => {
    levels.set(`l${i + 1}`, range?.low ?? nothing);
    levels.set(`h${i + 1}`, range?.high ?? nothing);
  });
  const leaf = (node: ConstraintNode): boolean => {
    if (node.kind === "names") {
      const value = contexts[node.context - 1]?.[node.attribute] ?? 0;
      return valuesOf(node.names).includes(value - 1) !== (node.operator === "neq");
    }
    if (node.kind !== "attribute") throw new Error(`no leaf: ${node.kind}`);
    const related = relation(policy, node.attribute, contexts, levels);
    const [dom, domby] = [related(0, 1), related(1, 0)];
    const known = new Map([
      ["dom", dom],
      ["domby", domby],
      ["incomp", !dom && !domby],
    ]);
    return (
      known.get(node.operator) ??
      isSame(node.attribute, contexts, levels) === (node.operator === "eq")
    );
  };
  return valueAt(nodes, nodes.length - 1, leaf)[0];
}

const isLevels = (attribute: string): boolean => attribute.includes(" ");

function isSame(
  attribute: string,
  contexts: readonly Context[],
  levels: ReadonlyMap<string, MlsLevel>,
): boolean {
  if (!isLevels(attribute)) {
    const name = attribute as "user" | "role" | "type";
    return contexts[0]?.[name] === contexts[1]?.[name];
  }
  const [a, b] = attribute.split(" ").map((name) => levels.get(name) as MlsLevel);
  return (
    modelDominates(a as MlsLevel, b as MlsLevel) && modelDominates(b as MlsLevel, a as MlsLevel)
  );
}

function relation(
  policy: Policy,
  attribute: string,
  contexts: readonly Context[],
  levels: ReadonlyMap<string, MlsLevel>,
): (upper: 0 | 1, lower: 0 | 1) => boolean {
  return (upper, lower) => {
    if (isLevels(attribute)) {
      const pair = attribute.split(" ").map((name) => levels.get(name) as MlsLevel);
      return modelDominates(pair[upper] as MlsLevel, pair[lower] as MlsLevel);
    }
    const role = policy.roles[(contexts[upper]?.role ?? 0) - 1];
    return has(role?.dominates ?? [], (contexts[lower]?.role ?? 0) - 1);
  };
}

// Rules

/** All that hold with these booleans. */
export const activeRules = (policy: Policy, states: readonly boolean[]): Rule[] => [
  ...rulesIn(policy.rules),
  ...policy.conditionals.flatMap(({ expression, whenTrue, whenFalse }) =>
    rulesIn(isTrue(expression, states) ? whenTrue : whenFalse),
  ),
];

/** Whether a rule's type is the type or an attribute of it. */
const covers = (policy: Policy, named: number, type: number): boolean =>
  named === type || valuesOf(policy.attributesOf[type - 1] ?? []).includes(named - 1);

const speaking = (
  policy: Policy,
  states: readonly boolean[],
  source: number,
  target: number,
  tclass: number,
): Rule[] =>
  activeRules(policy, states).filter(
    (rule) =>
      rule.class === tclass &&
      covers(policy, rule.source, source) &&
      covers(policy, rule.target, target),
  );

const MASK_BITS = 32;

/** A mask of the permissions for which it is so. */
const maskOf = (isSo: (bit: number) => boolean): number => {
  let mask = 0;
  for (let bit = 0; bit < MASK_BITS; bit += 1) if (isSo(bit)) mask |= 1 << bit;
  return mask >>> 0;
};

const hasBit = (mask: number, bit: number): boolean => ((mask >>> bit) & 1) === 1;

export function modelAllows(
  policy: Policy,
  states: readonly boolean[],
  source: Context,
  target: Context,
  tclass: number,
  bit: number,
): boolean {
  const datum = policy.classes[tclass - 1];
  const isRuled = speaking(policy, states, source.type, target.type, tclass).some(
    ({ specified, data }) => specified === AV.allowed && hasBit(data, bit),
  );
  const isConstrained = datum?.constraints.some(
    ({ permissions, expression }) =>
      hasBit(permissions, bit) && !modelHolds(policy, expression, [source, target]),
  );
  if (!isRuled || isConstrained === true) return false;
  const changesDomain =
    datum?.name === "process" && /^(dyn)?transition$/.test(datum.permissions[bit] ?? "");
  const mayChangeRole =
    source.role === target.role ||
    policy.roleAllows.some((r) => r.role === source.role && r.newRole === target.role);
  if (changesDomain && !mayChangeRole) return false;
  const bound = policy.types[source.type - 1]?.bounds ?? 0;
  if (bound === 0) return true;
  const other = policy.types[target.type - 1]?.bounds ?? 0;
  const upper = { ...target, type: other === 0 ? target.type : other };
  return modelAllows(policy, states, { ...source, type: bound }, upper, tclass, bit);
}

export interface ModelAccess {
  readonly allowed: number;
  readonly auditallow: number;
  readonly auditdeny: number;
}

export function modelAccess(
  policy: Policy,
  states: readonly boolean[],
  source: Context,
  target: Context,
  tclass: number,
): ModelAccess {
  const rules = speaking(policy, states, source.type, target.type, tclass);
  const of = (kind: number): Rule[] => rules.filter(({ specified }) => specified === kind);
  return {
    allowed: maskOf((bit) => modelAllows(policy, states, source, target, tclass, bit)),
    auditallow: maskOf((bit) => of(AV.auditallow).some(({ data }) => hasBit(data, bit))),
    auditdeny: maskOf((bit) => of(AV.auditdeny).every(({ data }) => hasBit(data, bit))),
  };
}

/** Drivers and commands that rules of a kind list: `driver * 256 + command`. */
export function modelCommands(
  policy: Policy,
  states: readonly boolean[],
  source: Context,
  target: Context,
  tclass: number,
  kind: number,
): ReadonlySet<number> {
  const commands = new Set<number>();
  for (const { specified, extended } of speaking(
    policy,
    states,
    source.type,
    target.type,
    tclass,
  )) {
    if (specified !== kind || extended === null) continue;
    for (let bit = 0; bit < 256; bit += 1) {
      if (!hasBit(extended.permissions[bit >>> 5] ?? 0, bit & 31)) continue;
      if (extended.kind === "function") commands.add(extended.driver * 256 + bit);
      else for (let command = 0; command < 256; command += 1) commands.add(bit * 256 + command);
    }
  }
  return commands;
}

// New contexts

const KINDS = { transition: AV.transition, member: AV.member, change: AV.change } as const;

/** Null when the ranges have no sensitivity in common and the class wants what is common. */
export function modelNewContext(
  policy: Policy,
  states: readonly boolean[],
  kind: keyof typeof KINDS,
  [source, target]: readonly [Context, Context],
  tclass: number,
  name: string | undefined,
): Context | null {
  const datum = policy.classes[tclass - 1];
  const staysWithSource = datum?.name === "process" || datum?.name.endsWith("socket") === true;
  const choose = <T>(from: string | undefined, otherwise: T, a: T, b: T): T =>
    from === "source" ? a : from === "target" ? b : otherwise;
  const is = (t: { type: number; class: number; role: number }): boolean =>
    t.role === source.role && t.type === target.type && t.class === tclass;
  const roleRule = kind === "transition" ? policy.roleTransitions.find(is) : undefined;
  const range = modelRange(policy, kind, source, target, tclass, staysWithSource);
  if (range === undefined) return null;
  return {
    user:
      kind === "member"
        ? target.user
        : choose(datum?.defaultUser, source.user, source.user, target.user),
    role:
      roleRule?.newRole ??
      choose(datum?.defaultRole, staysWithSource ? source.role : 1, source.role, target.role),
    type:
      modelType(policy, states, kind, source, target, tclass, name) ??
      choose(
        datum?.defaultType,
        staysWithSource ? source.type : target.type,
        source.type,
        target.type,
      ),
    range,
  };
}

function modelType(
  policy: Policy,
  states: readonly boolean[],
  kind: keyof typeof KINDS,
  source: Context,
  target: Context,
  tclass: number,
  name: string | undefined,
): number | undefined {
  const named = policy.filenameTransitions.find(
    (t) =>
      t.name === name &&
      t.target === target.type &&
      t.class === tclass &&
      has(t.sources, source.type - 1),
  );
  const plain = activeRules(policy, states).find(
    (rule) =>
      rule.specified === KINDS[kind] &&
      rule.source === source.type &&
      rule.target === target.type &&
      rule.class === tclass,
  );
  return named?.newType ?? plain?.data;
}

function modelRange(
  policy: Policy,
  kind: keyof typeof KINDS,
  { type, range: from }: Context,
  { type: targetType, range: to }: Context,
  tclass: number,
  staysWithSource: boolean,
): MlsRange | null | undefined {
  if (from === null || to === null) return null;
  const both = (level: MlsLevel): MlsRange => ({ low: level, high: level });
  const usual = staysWithSource && kind !== "member" ? from : both(from.low);
  if (kind !== "transition") return usual;
  const rule = policy.rangeTransitions.find(
    (t) => t.source === type && t.target === targetType && t.class === tclass,
  );
  if (rule !== undefined) return rule.range;
  const wanted = policy.classes[tclass - 1]?.defaultRange ?? "none";
  if (wanted === "none") return usual;
  if (wanted === "glblub") return inCommon(from, to);
  const [whose, which] = wanted.split(" ");
  const range = whose === "source" ? from : to;
  return which === "low" ? both(range.low) : which === "high" ? both(range.high) : range;
}

function inCommon(a: MlsRange, b: MlsRange): MlsRange | undefined {
  const shared = (p: MlsLevel, q: MlsLevel): MlsLevel["categories"] =>
    ebitmapOf(valuesOf(p.categories).filter((c) => valuesOf(q.categories).includes(c)));
  const low = Math.max(a.low.sensitivity, b.low.sensitivity);
  const high = Math.min(a.high.sensitivity, b.high.sensitivity);
  if (low > high) return undefined;
  return {
    low: { sensitivity: low, categories: shared(a.low, b.low) },
    high: { sensitivity: high, categories: shared(a.high, b.high) },
  };
}
