/** Random small policies that use every kind of rule, and contexts that are valid in them. */

import fc from "fast-check";
import { type Ebitmap, EMPTY, ebitmapOf, has } from "../../src/selinux/policydb/ebitmap.ts";
import {
  type AvTable,
  type Conditional,
  type Constraint,
  type ConstraintNode,
  type Context,
  type MlsRange,
  type Policy,
  type SecurityClass,
} from "../../src/selinux/policydb/policy.ts";
import { isValidContext, OBJECT_R } from "../../src/selinux/policydb/valid.ts";
import {
  ATTRIBUTES,
  anyClass,
  anyRules,
  BOOLEANS,
  mask,
  postfix,
  TYPES,
  value,
  withoutConflicts,
} from "./policy-rules.ts";

const ROLES = 4;
const USERS = 3;
const SENSITIVITIES = 3;
const CATEGORIES = 5;
/** The lowest sensitivity does not go with the last category. */
const HIGH_CATEGORY = CATEGORIES - 1;

const FILE = ["read", "write", "getattr"];
const CLASSES = [
  { name: "process", common: null, permissions: ["signal", "transition", "dyntransition", "fork"] },
  { name: "file", common: 0, permissions: [...FILE, "execute", "ioctl"] },
  { name: "unix_stream_socket", common: 0, permissions: [...FILE, "connectto"] },
] as const;
export const FILE_CLASS = 2;
export const SOCKET_CLASS = 3;

const set = (size: number): fc.Arbitrary<Ebitmap> =>
  fc.uniqueArray(fc.nat(size - 1), { maxLength: size }).map(ebitmapOf);

// Levels

const level = (sensitivity: number, categories: readonly number[]) => ({
  sensitivity,
  categories: ebitmapOf(
    sensitivity === 1 ? categories.filter((c) => c !== HIGH_CATEGORY) : categories,
  ),
});

export const anyRange = (): fc.Arbitrary<MlsRange> =>
  fc
    .record({
      sensitivities: fc.tuple(value(SENSITIVITIES), value(SENSITIVITIES)),
      low: fc.uniqueArray(fc.nat(CATEGORIES - 1), { maxLength: 3 }),
      more: fc.uniqueArray(fc.nat(CATEGORIES - 1), { maxLength: 3 }),
      single: fc.boolean(),
    })
    .map(({ sensitivities, low, more, single }) => {
      const bottom = level(Math.min(...sensitivities), low);
      const top = level(Math.max(...sensitivities), [...low, ...more]);
      return single ? { low: bottom, high: bottom } : { low: bottom, high: top };
    });

const FULL_RANGE: MlsRange = {
  low: level(1, []),
  high: level(SENSITIVITIES, [0, 1, 2, 3, 4]),
};

// Expressions

const anyLeaf = (third: boolean): fc.Arbitrary<ConstraintNode> =>
  fc.oneof(
    fc.record({
      kind: fc.constant("attribute" as const),
      attribute: fc.constantFrom("user" as const, "type" as const),
      operator: fc.constantFrom("eq" as const, "neq" as const),
    }),
    fc.record({
      kind: fc.constant("attribute" as const),
      attribute: fc.constantFrom(
        "role" as const,
        "l1 l2" as const,
        "l1 h2" as const,
        "h1 l2" as const,
        "h1 h2" as const,
        "l1 h1" as const,
        "l2 h2" as const,
      ),
      operator: fc.constantFrom(
        "eq" as const,
        "neq" as const,
        "dom" as const,
        "domby" as const,
        "incomp" as const,
      ),
    }),
    fc.constantFrom("user" as const, "role" as const, "type" as const).chain((attribute) =>
      fc.record({
        kind: fc.constant("names" as const),
        attribute: fc.constant(attribute),
        context: third
          ? fc.constantFrom(1 as const, 2 as const, 3 as const)
          : fc.constantFrom(1 as const, 2 as const),
        operator: fc.constantFrom("eq" as const, "neq" as const),
        names: set({ user: USERS, role: ROLES, type: TYPES }[attribute]),
        written: fc.constant(null),
      }),
    ),
  );

/** In postfix order, from a tree. */
const anyExpression = (third: boolean): fc.Arbitrary<readonly ConstraintNode[]> =>
  postfix<ConstraintNode>(anyLeaf(third), ["and", "or"]);

const anyConstraint = (third: boolean): fc.Arbitrary<Constraint> =>
  fc.record({
    permissions: third ? fc.constant(0) : mask(),
    expression: anyExpression(third),
  });

// Classes, roles, types, users

const anyDefault = () => fc.constantFrom("none" as const, "source" as const, "target" as const);

const anyClasses = (): fc.Arbitrary<readonly SecurityClass[]> =>
  fc.tuple(
    ...CLASSES.map((each) =>
      fc.record({
        name: fc.constant(each.name),
        common: fc.constant(each.common),
        permissions: fc.constant(each.permissions),
        constraints: fc.array(anyConstraint(false), { maxLength: 2 }),
        validateTransitions: fc.array(anyConstraint(true), { maxLength: 2 }),
        defaultUser: anyDefault(),
        defaultRole: anyDefault(),
        defaultType: anyDefault(),
        defaultRange: fc.constantFrom(
          "none" as const,
          "source low" as const,
          "source high" as const,
          "source low-high" as const,
          "target low" as const,
          "target high" as const,
          "target low-high" as const,
          "glblub" as const,
        ),
      }),
    ),
  );

const anyRoles = () =>
  fc.array(fc.record({ dominates: set(ROLES), types: set(TYPES) }), {
    minLength: ROLES,
    maxLength: ROLES,
  });

const anyUsers = () =>
  fc.array(fc.record({ roles: set(ROLES), range: fc.oneof(fc.constant(FULL_RANGE), anyRange()) }), {
    minLength: USERS,
    maxLength: USERS,
  });

const anyTransitions = () =>
  fc.record({
    roleTransitions: fc.uniqueArray(
      fc.record({
        role: value(ROLES),
        type: value(TYPES),
        class: anyClass(),
        newRole: value(ROLES),
      }),
      { maxLength: 4, selector: (t) => `${t.role} ${t.type} ${t.class}` },
    ),
    roleAllows: fc.array(fc.record({ role: value(ROLES), newRole: value(ROLES) }), {
      maxLength: 6,
    }),
    filenameTransitions: fc
      .array(
        fc.record({
          name: fc.constantFrom("log", "tmp"),
          target: value(TYPES),
          class: anyClass(),
          source: value(TYPES),
          newType: value(TYPES),
        }),
        { maxLength: 6 },
      )
      .map((rules) =>
        rules.map(({ source, ...rule }) => ({ ...rule, sources: ebitmapOf([source - 1]) })),
      ),
    rangeTransitions: fc.uniqueArray(
      fc.record({
        source: value(TYPES),
        target: value(TYPES),
        class: anyClass(),
        range: anyRange(),
      }),
      { maxLength: 4, selector: (t) => `${t.source} ${t.target} ${t.class}` },
    ),
  });

/** By type: the number of steps to an earlier one that bounds it, or 0. */
const anyBounds = (): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: TYPES, maxLength: TYPES }).map((steps) => {
    const bounds = steps.map((step, i) => (step > i ? 0 : step === 0 ? 0 : i + 1 - step));
    const depth = (type: number): number => (type === 0 ? 0 : 1 + depth(bounds[type - 1] ?? 0));
    return bounds.map((bound, i) => (depth(i + 1) > 3 ? 0 : bound));
  });

export const anyPolicy = (): fc.Arbitrary<Policy> =>
  fc
    .record({
      mls: fc.boolean(),
      permissiveTypes: set(TYPES + 1),
      classes: anyClasses(),
      roles: anyRoles(),
      users: anyUsers(),
      bounds: anyBounds(),
      attributes: fc.array(set(ATTRIBUTES), { minLength: TYPES, maxLength: TYPES }),
      states: fc.array(fc.boolean(), { minLength: BOOLEANS, maxLength: BOOLEANS }),
      rules: anyRules().map(withoutConflicts),
      transitions: anyTransitions(),
    })
    .map((drawn) => policyOf(drawn));

type Generated<T> = T extends fc.Arbitrary<infer U> ? U : never;

function policyOf(drawn: {
  readonly mls: boolean;
  readonly permissiveTypes: Ebitmap;
  readonly classes: readonly SecurityClass[];
  readonly roles: Generated<ReturnType<typeof anyRoles>>;
  readonly users: Generated<ReturnType<typeof anyUsers>>;
  readonly bounds: readonly number[];
  readonly attributes: readonly Ebitmap[];
  readonly states: readonly boolean[];
  readonly rules: { readonly rules: AvTable; readonly conditionals: readonly Conditional[] };
  readonly transitions: Generated<ReturnType<typeof anyTransitions>>;
}): Policy {
  const numbered = (count: number, prefix: string): { name: string }[] =>
    Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}` }));
  const all = ebitmapOf(Array.from({ length: CATEGORIES }, (_, i) => i));
  const most = ebitmapOf(Array.from({ length: HIGH_CATEGORY }, (_, i) => i));
  return {
    version: 33,
    mls: drawn.mls,
    handleUnknown: "deny",
    capabilities: EMPTY,
    permissiveTypes: drawn.permissiveTypes,
    commons: [{ name: "file", permissions: FILE }],
    classes: drawn.classes,
    roles: drawn.roles.map((role, i) => ({
      ...role,
      name: i === 0 ? "object_r" : `role${i}_r`,
      bounds: 0,
    })),
    types: [
      ...drawn.bounds.map((bounds, i) => ({ name: `type${i}_t`, attribute: false, bounds })),
      ...numbered(ATTRIBUTES, "attribute").map((a) => ({ ...a, attribute: true, bounds: 0 })),
    ],
    users: drawn.users.map(({ roles, range }, i) => ({
      name: `user${i}_u`,
      bounds: 0,
      roles,
      range: drawn.mls ? range : null,
      defaultLevel: drawn.mls ? range.low : null,
    })),
    booleans: drawn.states.map((defaultState, i) => ({ name: `boolean${i}`, defaultState })),
    sensitivities: numbered(SENSITIVITIES, "s").map((s, i) => ({
      ...s,
      categories: i === 0 ? most : all,
    })),
    categories: numbered(CATEGORIES, "c"),
    aliases: {
      types: new Map([["alias_t", 1]]),
      sensitivities: new Map([["lowest", 1]]),
      categories: new Map([["first", 1]]),
    },
    ...drawn.rules,
    ...drawn.transitions,
    initialSids: [],
    objects: {
      filesystems: [],
      ports: [],
      interfaces: [],
      nodes: [],
      fsUses: [],
      infinibandKeys: [],
      infinibandPorts: [],
    },
    genfs: [],
    attributesOf: [
      ...drawn.attributes.map((bits, i) => ebitmapOf([i, ...attributeValues(bits)])),
      ...Array.from({ length: ATTRIBUTES }, (_, i) => ebitmapOf([TYPES + i])),
    ],
  };
}

const attributeValues = (bits: Ebitmap): number[] =>
  Array.from({ length: ATTRIBUTES }, (_, i) => i)
    .filter((i) => has(bits, i))
    .map((i) => TYPES + i);

// Contexts

const anySeeds = () =>
  fc.record({ user: value(USERS), role: value(ROLES), type: value(TYPES), range: anyRange() });

/** The nearest valid one: an object where the user, the role and the type do not fit. */
function contextIn(policy: Policy, seeds: Generated<ReturnType<typeof anySeeds>>): Context {
  const own = policy.users[seeds.user - 1]?.range ?? null;
  const ranges = policy.mls ? [seeds.range, own] : [null];
  const candidates = [seeds.role, OBJECT_R].flatMap((role) =>
    ranges.map((range) => ({ ...seeds, role, range })),
  );
  return candidates.find((context) => isValidContext(policy, context)) as Context;
}

/** A policy, four valid contexts and states of its booleans. */
export interface PolicyCase {
  readonly policy: Policy;
  readonly contexts: readonly [Context, Context, Context, Context];
  readonly booleans: readonly boolean[];
}

export const anyCase = (policies: fc.Arbitrary<Policy> = anyPolicy()): fc.Arbitrary<PolicyCase> =>
  fc
    .record({
      policy: policies,
      seeds: fc.tuple(anySeeds(), anySeeds(), anySeeds(), anySeeds()),
      booleans: fc.array(fc.boolean(), { minLength: BOOLEANS, maxLength: BOOLEANS }),
    })
    .map(({ policy, seeds: [a, b, c, d], booleans }) => {
      const context = (seeds: typeof a): Context => contextIn(policy, seeds);
      return { policy, contexts: [context(a), context(b), context(c), context(d)], booleans };
    });

export const CLASS_VALUES: readonly number[] = CLASSES.map((_, i) => i + 1);

/** Without types that are bounded by others. */
export const unbounded = (policy: Policy): Policy => ({
  ...policy,
  types: policy.types.map((type) => ({ ...type, bounds: 0 })),
});
