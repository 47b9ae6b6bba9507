/** Random rules of small policies, none of which conflict. */

import fc from "fast-check";
import {
  AV,
  type AvTable,
  type Conditional,
  type ConditionalNode,
  type ExtendedPermissions,
} from "../../src/selinux/policydb/policy.ts";

export const TYPES = 6;
export const ATTRIBUTES = 3;
export const BOOLEANS = 3;
/** The classes of `policies.ts`. */
export const CLASS_COUNT = 3;

export const value = (most: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: most });
export const mask = (): fc.Arbitrary<number> => fc.nat(31);
export const anyClass = (): fc.Arbitrary<number> => value(CLASS_COUNT);

/** An expression in postfix order, from a tree. */
export function postfix<T>(
  leaf: fc.Arbitrary<T>,
  operators: readonly string[],
): fc.Arbitrary<readonly T[]> {
  const { tree } = fc.letrec<{ tree: readonly T[] }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 2 },
      leaf.map((node) => [node]),
      tie("tree").map((part) => [...part, { kind: "not" } as T]),
      fc
        .tuple(tie("tree"), tie("tree"), fc.constantFrom(...operators))
        .map(([a, b, kind]) => [...a, ...b, { kind } as T]),
    ),
  }));
  return tree;
}

const anyConditionalExpression = (): fc.Arbitrary<readonly ConditionalNode[]> =>
  postfix<ConditionalNode>(
    value(BOOLEANS).map((boolean) => ({ kind: "boolean" as const, boolean })),
    ["or", "and", "xor", "eq", "neq"],
  );

export interface Rule {
  readonly source: number;
  readonly target: number;
  readonly class: number;
  readonly specified: number;
  readonly data: number;
  readonly extended: ExtendedPermissions | null;
}

const anyCommands = (): fc.Arbitrary<ExtendedPermissions> =>
  fc.record({
    kind: fc.constantFrom("function" as const, "driver" as const),
    driver: fc.nat(3),
    permissions: fc.tuple(fc.nat(15), fc.nat(3)).map(([a, b]) => [a, 0, b, 0, 0, 0, 0, 0]),
  });

const XPERMS: readonly number[] = [AV.xpermsAllowed, AV.xpermsAuditallow, AV.xpermsDontaudit];
const TYPE_RULES: readonly number[] = [AV.transition, AV.member, AV.change];

/** Attributes take part in what decides access only. */
export const anyRule = (specified: readonly number[] = Object.values(AV)): fc.Arbitrary<Rule> =>
  fc
    .record({
      source: value(TYPES + ATTRIBUTES),
      target: value(TYPES + ATTRIBUTES),
      class: anyClass(),
      specified: fc.constantFrom(...specified),
      mask: mask(),
      type: value(TYPES),
      commands: anyCommands(),
    })
    .map(({ mask: bits, type, commands, ...rule }) => {
      if (XPERMS.includes(rule.specified)) return { ...rule, data: 0, extended: commands };
      if (!TYPE_RULES.includes(rule.specified)) {
        const data = rule.specified === AV.auditdeny ? ~bits >>> 0 : bits;
        return { ...rule, data, extended: null };
      }
      const one = (each: number): number => ((each - 1) % TYPES) + 1;
      return {
        ...rule,
        source: one(rule.source),
        target: one(rule.target),
        data: type,
        extended: null,
      };
    });

export function tableOf(rules: readonly Rule[]): AvTable {
  const extended: ExtendedPermissions[] = [];
  const data = rules.map((rule) =>
    rule.extended === null ? rule.data : extended.push(rule.extended) - 1,
  );
  return {
    source: Uint16Array.from(rules, ({ source }) => source),
    target: Uint16Array.from(rules, ({ target }) => target),
    class: Uint16Array.from(rules, (rule) => rule.class),
    specified: Uint16Array.from(rules, ({ specified }) => specified),
    data: Uint32Array.from(data),
    extended,
  };
}

export const rulesIn = (table: AvTable): Rule[] =>
  [...table.source].map((source, i) => {
    const specified = table.specified[i] ?? 0;
    const data = table.data[i] ?? 0;
    return {
      source,
      target: table.target[i] ?? 0,
      class: table.class[i] ?? 0,
      specified,
      data,
      extended: XPERMS.includes(specified) ? (table.extended[data] ?? null) : null,
    };
  });

const keyOf = (rule: Rule): string =>
  `${rule.source} ${rule.target} ${rule.class} ${rule.specified}`;

interface RulesOfPolicy {
  readonly always: readonly Rule[];
  readonly conditionals: readonly {
    readonly expression: readonly ConditionalNode[];
    readonly whenTrue: readonly Rule[];
    readonly whenFalse: readonly Rule[];
  }[];
}

/** Each key once, and a type rule in one place of the policy only, or in both branches of a conditional. */
export function withoutConflicts({ always, conditionals }: RulesOfPolicy): {
  rules: AvTable;
  conditionals: Conditional[];
} {
  const taken = new Set<string>();
  const fresh = (rules: readonly Rule[]): Rule[] =>
    rules.filter((rule) => {
      const isNew = rule.extended !== null || !taken.has(keyOf(rule));
      taken.add(keyOf(rule));
      return isNew;
    });
  const isFree = (rule: Rule): boolean =>
    !TYPE_RULES.includes(rule.specified) || !taken.has(keyOf(rule));
  const once = (rules: readonly Rule[]): Rule[] =>
    rules.filter(
      (rule, i) => isFree(rule) && rules.findIndex((r) => keyOf(r) === keyOf(rule)) === i,
    );
  const rules = tableOf(fresh(always));
  return {
    rules,
    conditionals: conditionals.map(({ expression, whenTrue, whenFalse }) => {
      const branches = [once(whenTrue), once(whenFalse)] as const;
      for (const rule of branches.flat()) taken.add(keyOf(rule));
      return {
        expression,
        initially: false,
        whenTrue: tableOf(branches[0]),
        whenFalse: tableOf(branches[1]),
      };
    }),
  };
}

export const anyRules = (): fc.Arbitrary<RulesOfPolicy> =>
  fc.record({
    always: fc.array(anyRule(), { minLength: 1, maxLength: 40 }),
    conditionals: fc.array(
      fc.record({
        expression: anyConditionalExpression(),
        whenTrue: fc.array(anyRule(), { maxLength: 6 }),
        whenFalse: fc.array(anyRule(), { maxLength: 6 }),
      }),
      { maxLength: 3 },
    ),
  });
