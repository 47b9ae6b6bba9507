/** Laws of contexts: as text, of new objects, and from one label to another. */

import fc from "fast-check";
import { booleanState } from "../../src/selinux/decisions/booleans.ts";
import { refusedTransition } from "../../src/selinux/decisions/constraints.ts";
import { formatContext, parseContext } from "../../src/selinux/decisions/contexts.ts";
import { loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import {
  change,
  member,
  type NewContext,
  transition,
} from "../../src/selinux/decisions/transitions.ts";
import type { Context, Policy } from "../../src/selinux/policydb/policy.ts";
import { isValidContext } from "../../src/selinux/policydb/valid.ts";
import { law } from "../support/law.ts";
import { same } from "../support/same.ts";
import {
  anyCase,
  anyPolicy,
  FILE_CLASS,
  type PolicyCase,
  SOCKET_CLASS,
} from "../support/policies.ts";
import { anyClass, rulesIn, tableOf } from "../support/policy-rules.ts";
import { modelHolds, modelNewContext } from "../support/policy-model.ts";

const SERVICES = "Linux, security/selinux/ss/services.c";
const RUNS = 400;
const COMPUTE = { transition, member, change } as const;

law("a-context-is-its-text", {
  says: "A valid context is read from its text as what it was, and the text has no other form: neighbours are joined, and a range of one level is that level.",
  cites: `Linux, security/selinux/ss/mls.c, mls_sid_to_context`,
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each: { policy, contexts } }) => {
    const loaded = loadPolicy(policy);
    return contexts.every((context) => {
      const text = formatContext(loaded, context);
      same(parseContext(loaded, text), withoutMore(context));
      const loose = context.range === null ? text : text.replace(/:s0\b/, ":lowest");
      same(parseContext(loaded, loose), withoutMore(context));
      return isCanonical(text);
    });
  },
});

law("text-that-is-no-context-is-refused", {
  says: "What is read from any text is a valid context, or nothing; one character more at the end of a type, a level or a range is never passed by.",
  cites: `${SERVICES}, string_to_context_struct`,
  forAll: {
    each: anyCase(),
    text: fc.stringMatching(
      /^user[0-3]_u:(object_r|role[0-4]_r):(type[0-7]_t|alias_t|attribute0)(:s[0-3](:c[0-5]([.,]c[0-5])?)?(-s[0-3](:c[0-5]([.,]c[0-5])?)?)?)?$/,
    ),
  },
  runs: 2000,
  holds: ({ each: { policy, contexts }, text }) => {
    const loaded = loadPolicy(policy);
    const parsed = parseContext(loaded, text);
    if (parsed !== null && !isValidContext(policy, parsed)) return false;
    if (parsed !== null && policy.types[parsed.type - 1]?.attribute === true) return false;
    if (parsed !== null && spansOf(text).some(([first, last]) => first >= last)) return false;
    const valid = formatContext(loaded, contexts[0]);
    return [":", "-", ",", ".", "x", ":c0:"].every(
      (more) => parseContext(loaded, valid + more) === null,
    );
  },
});

law("new-contexts-are-what-the-notebook-says", {
  says: "User, role, type and range of a new object, of a member and of a relabelled object come from rules and defaults in their order: a rule for its name before a plain one, a rule before the class's default, and that before what is usual.",
  cites: `The SELinux Notebook, "Computing Security Contexts"; ${SERVICES}, security_compute_sid`,
  forAll: {
    each: anyCase(),
    kind: fc.constantFrom("transition" as const, "member" as const, "change" as const),
    name: fc.constantFrom(undefined, "log", "tmp", "other"),
    tclass: anyClass(),
  },
  runs: 3000,
  holds: ({ each, kind, name, tclass }) => {
    const { policy, booleans } = each;
    const named = kind === "transition" ? name : undefined;
    return everyPair(each, (source, target) => {
      const got = newContext(each, kind, source, target, tclass, named);
      const expected = modelNewContext(policy, booleans, kind, [source, target], tclass, named);
      same(got?.context ?? null, expected);
      return got === null || got.valid === isValidContext(policy, got.context);
    });
  },
});

law("the-order-of-rules-does-not-matter", {
  says: "Rules in any order give the same new contexts.",
  cites: 'The SELinux Notebook, "Type Enforcement Rules"',
  forAll: { each: anyCase(), seed: fc.nat(1000), tclass: anyClass() },
  runs: RUNS,
  holds: ({ each, seed, tclass }) => {
    const rules = rulesIn(each.policy.rules);
    const turned = [...rules.slice(seed % rules.length), ...rules.slice(0, seed % rules.length)];
    const other: PolicyCase = {
      ...each,
      policy: {
        ...each.policy,
        rules: tableOf(turned.toReversed()),
        conditionals: each.policy.conditionals.toReversed(),
        roleTransitions: each.policy.roleTransitions.toReversed(),
        rangeTransitions: each.policy.rangeTransitions.toReversed(),
      },
    };
    return everyPair(each, (source, target) =>
      (["transition", "member", "change"] as const).every((kind) => {
        const before = newContext(each, kind, source, target, tclass, undefined);
        same(newContext(other, kind, source, target, tclass, undefined), before);
        return true;
      }),
    );
  },
});

law("a-socket-stays-with-who-made-it", {
  says: "Without rules and defaults a socket has the role, the type and the range of its maker, a file object_r, the type of its directory and the low level of its maker.",
  cites: `${SERVICES}, security_compute_sid`,
  forAll: { each: anyCase(anyPolicy().map(withoutTransitions)) },
  runs: RUNS,
  holds: ({ each }) =>
    everyPair(each, (source, target) => {
      const socket = newContext(each, "transition", source, target, SOCKET_CLASS, "log");
      same(socket?.context, withoutMore(source));
      const file = newContext(each, "transition", source, target, FILE_CLASS, "log");
      const low = source.range?.low;
      const range = low === undefined ? null : { low, high: low };
      same(file?.context, { user: source.user, role: 1, type: target.type, range });
      return true;
    }),
});

law("validatetrans-refuses-what-an-expression-denies", {
  says: "An object may change from one context to another by a task iff every validatetrans of its class is true of the three.",
  cites: `${SERVICES}, security_compute_validatetrans`,
  forAll: { each: anyCase(), tclass: anyClass() },
  runs: 1000,
  holds: ({ each: { policy, contexts }, tclass }) => {
    const [old, next, task] = contexts;
    const rules = policy.classes[tclass - 1]?.validateTransitions ?? [];
    const denied = rules.findIndex(
      ({ expression }) => !modelHolds(policy, expression, [old, next, task]),
    );
    const refused = refusedTransition(loadPolicy(policy), old, next, task, tclass);
    return refused === (denied < 0 ? null : denied);
  },
});

// Helpers

/** Categories with a dot between them. */
const spansOf = (text: string): readonly (readonly [number, number])[] =>
  [...text.matchAll(/c(\d)\.c(\d)/g)].map(([, first, last]) => [Number(first), Number(last)]);

/** A dot leaves out at least one category, three neighbours are never listed, and a range has two levels. */
function isCanonical(text: string): boolean {
  const listed = [...text.matchAll(/(?=c(\d),c(\d)(?:,c(\d))?)/g)];
  const isRun = listed.some(
    ([, a, b, c]) => Number(b) === Number(a) + 1 && Number(c) === Number(b) + 1,
  );
  const [low, high] = (/:(s.*)$/.exec(text)?.[1] ?? "").split("-");
  return !isRun && spansOf(text).every(([first, last]) => last - first > 1) && low !== high;
}

function newContext(
  { policy, booleans }: PolicyCase,
  kind: keyof typeof COMPUTE,
  source: Context,
  target: Context,
  tclass: number,
  name: string | undefined,
): NewContext | null {
  const loaded = loadPolicy(policy);
  return COMPUTE[kind](loaded, booleanState(loaded, booleans), source, target, tclass, name);
}

const everyPair = (
  { contexts }: PolicyCase,
  holds: (source: Context, target: Context) => boolean,
): boolean => contexts.every((source) => contexts.every((target) => holds(source, target)));

function withoutTransitions(policy: Policy): Policy {
  return {
    ...policy,
    classes: policy.classes.map((tclass) => ({
      ...tclass,
      defaultUser: "none",
      defaultRole: "none",
      defaultType: "none",
      defaultRange: "none",
    })),
    rules: tableOf([]),
    conditionals: [],
    roleTransitions: [],
    rangeTransitions: [],
    filenameTransitions: [],
  };
}

/** Its four fields, in their order. */
const withoutMore = ({ user, role, type, range }: Context): Context => ({
  user,
  role,
  type,
  range,
});
