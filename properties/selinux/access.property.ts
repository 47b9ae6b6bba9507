/** Laws of what a policy allows. */

import { explain } from "../../src/selinux/decisions/explain.ts";
import { type Access, computeAccess } from "../../src/selinux/decisions/access.ts";
import { booleanState } from "../../src/selinux/decisions/booleans.ts";
import { computeExtended, hasCommand } from "../../src/selinux/decisions/extended.ts";
import { loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { AV, type Context, type Policy } from "../../src/selinux/policydb/policy.ts";
import { dominates } from "../../src/selinux/policydb/valid.ts";
import { law } from "../support/law.ts";
import { same } from "../support/same.ts";
import {
  anyCase,
  anyPolicy,
  anyRange,
  CLASS_VALUES,
  type PolicyCase,
  unbounded,
} from "../support/policies.ts";
import { anyClass, anyRule, rulesIn, tableOf } from "../support/policy-rules.ts";
import {
  activeRules,
  modelAccess,
  modelCommands,
  modelDominates,
} from "../support/policy-model.ts";

const NOTEBOOK = 'The SELinux Notebook, "Computing Access Decisions"';
const RUNS = 400;

law("decisions-are-what-the-notebook-says", {
  says: "What rules, attributes, conditionals, constraints, role allow and bounds allow, audit and keep quiet is what they say one permission at a time, whichever way the booleans are.",
  cites: `${NOTEBOOK}; Linux, security/selinux/ss/services.c, context_struct_compute_av`,
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) => {
    const { policy, contexts, booleans } = each;
    return everyQuestion(each, policy, (got, source, target, tclass) => {
      const { allowed, auditallow, auditdeny } = got;
      const expected = modelAccess(policy, booleans, source, target, tclass);
      same({ allowed, auditallow, auditdeny }, expected);
      return got.permissive === policyPermits(policy, source) && contexts.length > 0;
    });
  },
});

law("what-is-allowed-is-explained", {
  says: "A permission is allowed iff a rule that holds has it and no constraint, missing role allow or bound takes it away; a request is granted iff each of its permissions is.",
  cites: NOTEBOOK,
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) => {
    const loaded = loadPolicy(each.policy);
    const state = booleanState(loaded, each.booleans);
    return everyQuestion(each, each.policy, ({ allowed }, source, target, tclass) => {
      let explained = 0;
      for (let bit = 0; bit < 8; bit += 1) {
        const why = explain(loaded, state, source, target, tclass, 1 << bit);
        const isRuled = why.rules.some(({ active }) => active);
        const isTaken = why.constraints.length > 0 || why.roleAllowMissing || why.bounds !== null;
        if (why.allowed !== (isRuled && !isTaken)) return false;
        if (why.allowed) explained |= 1 << bit;
      }
      return explained === allowed;
    });
  },
});

law("a-guest-reaches-only-what-its-categories-dominate", {
  says: "Where every permission of every class wants that the high level of the source dominates that of the target, whatever is allowed at all has it so.",
  cites:
    "libvirt, src/security/security_selinux.c; The SELinux Notebook, Multi-Level and Multi-Category Security",
  forAll: { each: anyCase() },
  given: ({ each }) => each.policy.mls,
  runs: RUNS,
  holds: ({ each }) => {
    const separated = {
      ...each.policy,
      classes: each.policy.classes.map((tclass) => ({
        ...tclass,
        constraints: [
          ...tclass.constraints,
          {
            permissions: 0xffff_ffff,
            expression: [
              { kind: "attribute" as const, attribute: "h1 h2" as const, operator: "dom" as const },
            ],
          },
        ],
      })),
    };
    return everyQuestion(
      each,
      separated,
      ({ allowed }, { range: a }, { range: b }) =>
        allowed === 0 || (a !== null && b !== null && modelDominates(a.high, b.high)),
    );
  },
});

law("dominance-is-a-partial-order", {
  says: "Every level dominates itself, two that dominate each other are equal, and what a level dominates dominates nothing that it does not.",
  cites:
    "Bell and LaPadula, Secure Computer Systems: Mathematical Foundations; The SELinux Notebook, MLS and MCS",
  forAll: { a: anyRange(), b: anyRange(), c: anyRange() },
  runs: 1000,
  holds: ({ a, b, c }) => {
    const levels = [a.low, a.high, b.low, b.high, c.low, c.high];
    return levels.every(
      (x) =>
        dominates(x, x) &&
        levels.every(
          (y) =>
            dominates(x, y) === modelDominates(x, y) &&
            (!(dominates(x, y) && dominates(y, x)) || JSON.stringify(x) === JSON.stringify(y)) &&
            levels.every((z) => !(dominates(x, y) && dominates(y, z)) || dominates(x, z)),
        ),
    );
  },
});

law("one-more-rule-takes-nothing-away", {
  says: "Without bounds, one more allow rule never takes a permission away, and allows nothing that it does not name.",
  cites: NOTEBOOK,
  forAll: { each: anyCase(anyPolicy().map(unbounded)), rule: anyRule([AV.allowed]) },
  runs: RUNS,
  holds: ({ each, rule }) => {
    const rules = tableOf([...rulesIn(each.policy.rules), rule]);
    const more = accessesOf(each, { ...each.policy, rules });
    return accessesOf(each, each.policy).every((before, i) => {
      const after = more[i]?.allowed ?? 0;
      return (before.allowed & ~after) === 0 && (after & ~before.allowed & ~rule.data) === 0;
    });
  },
});

law("one-more-constraint-gives-nothing", {
  says: "A class with one more constraint allows nothing that it did not allow before.",
  cites: NOTEBOOK,
  forAll: { each: anyCase(), other: anyPolicy() },
  runs: RUNS,
  holds: ({ each, other }) => {
    const constrained = {
      ...each.policy,
      classes: each.policy.classes.map((tclass, i) => ({
        ...tclass,
        constraints: [...tclass.constraints, ...(other.classes[i]?.constraints ?? [])],
      })),
    };
    const after = accessesOf(each, constrained);
    return accessesOf(each, each.policy).every(
      ({ allowed }, i) => ((after[i]?.allowed ?? 0) & ~allowed) === 0,
    );
  },
});

law("what-is-audited-allows-nothing", {
  says: "Without its auditallow and dontaudit rules a policy allows the same.",
  cites: 'The SELinux Notebook, "Access Vector Rules"',
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) => {
    const isKept = ({ specified }: { specified: number }): boolean =>
      specified !== AV.auditallow && specified !== AV.auditdeny;
    const quiet = {
      ...each.policy,
      rules: tableOf(rulesIn(each.policy.rules).filter(isKept)),
      conditionals: each.policy.conditionals.map((conditional) => ({
        ...conditional,
        whenTrue: tableOf(rulesIn(conditional.whenTrue).filter(isKept)),
        whenFalse: tableOf(rulesIn(conditional.whenFalse).filter(isKept)),
      })),
    };
    const after = accessesOf(each, quiet);
    return accessesOf(each, each.policy).every(({ allowed }, i) => after[i]?.allowed === allowed);
  },
});

law("a-bounded-type-stays-within-its-bound", {
  says: "A type is allowed nothing that the type which bounds it is not allowed, against the target or what bounds the target.",
  cites: 'The SELinux Notebook, "Bounds Rules"',
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) => {
    const { policy } = each;
    const loaded = loadPolicy(policy);
    const state = booleanState(loaded, each.booleans);
    return everyQuestion(each, policy, ({ allowed }, source, target, tclass) => {
      const bound = policy.types[source.type - 1]?.bounds ?? 0;
      if (bound === 0) return true;
      const other = policy.types[target.type - 1]?.bounds ?? 0;
      const upper = other === 0 ? target : { ...target, type: other };
      const most = computeAccess(loaded, state, { ...source, type: bound }, upper, tclass).allowed;
      return (allowed & ~most) === 0;
    });
  },
});

law("a-role-changes-only-where-roles-allow", {
  says: "No process changes its domain together with its role unless a role allow rule has the two roles.",
  cites: 'The SELinux Notebook, "Role Statements"',
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) =>
    everyQuestion(each, each.policy, ({ allowed }, source, target, tclass) => {
      const process = each.policy.classes[tclass - 1];
      if (process?.name !== "process" || source.role === target.role) return true;
      const isChange = ["transition", "dyntransition"].some(
        (name) => (allowed & (1 << process.permissions.indexOf(name))) !== 0,
      );
      const { roleAllows } = each.policy;
      return (
        !isChange || roleAllows.some((r) => r.role === source.role && r.newRole === target.role)
      );
    }),
});

law("conditionals-are-the-rules-of-their-branch", {
  says: "With the booleans as they are, a policy decides as one in which the rules of the branches that hold are there always; and a boolean that is toggled twice leaves nothing behind.",
  cites: 'The SELinux Notebook, "Conditional Policy Statements"',
  forAll: { each: anyCase() },
  runs: RUNS,
  holds: ({ each }) => {
    const flat = {
      ...each.policy,
      rules: tableOf(activeRules(each.policy, each.booleans)),
      conditionals: [],
    };
    const before = accessesOf(each, each.policy);
    same(before, accessesOf(each, flat));
    const loaded = loadPolicy(each.policy);
    const toggled = each.booleans.map((value) => !value);
    const there = accessesWith(each, loaded, toggled);
    same(accessesWith(each, loaded, each.booleans), before);
    same(accessesWith(each, loaded, toggled), there);
  },
});

law("only-listed-commands-pass", {
  says: "Once a rule lists commands for a pair and class, those and no others are allowed; what rules list to audit or to keep quiet is so per command.",
  cites:
    'The SELinux Notebook, "Extended Access Vector Rules"; Linux, security/selinux/ss/services.c',
  forAll: { each: anyCase(), tclass: anyClass() },
  runs: RUNS,
  holds: ({ each, tclass }) => {
    const { policy, contexts, booleans } = each;
    const [source, target] = contexts;
    const loaded = loadPolicy(policy);
    const state = booleanState(loaded, booleans);
    const { drivers } = computeAccess(loaded, state, source, target, tclass);
    const listed = (kind: number): ReadonlySet<number> =>
      modelCommands(policy, booleans, source, target, tclass, kind);
    const allowed = listed(AV.xpermsAllowed);
    if ((drivers === null) !== !hasXpermRule(each, tclass)) return false;
    for (let driver = 0; driver < 36; driver += 1) {
      const extended = computeExtended(loaded, state, source, target, tclass, driver);
      for (let command = 0; command < 256; command += 17) {
        const code = driver * 256 + command;
        const passes = hasCommand(extended.allowed, command);
        if (passes !== allowed.has(code)) return false;
        if (passes && !hasCommand(drivers, driver)) return false;
        if (hasCommand(extended.auditallow, command) !== listed(AV.xpermsAuditallow).has(code))
          return false;
        if (hasCommand(extended.dontaudit, command) !== listed(AV.xpermsDontaudit).has(code))
          return false;
      }
    }
    return true;
  },
});

// Helpers

type Question = (got: Access, source: Context, target: Context, tclass: number) => boolean;

/** Of each pair of the contexts and each class. */
function everyQuestion({ contexts, booleans }: PolicyCase, policy: Policy, ask: Question): boolean {
  const loaded = loadPolicy(policy);
  const state = booleanState(loaded, booleans);
  return contexts.every((source) =>
    contexts.every((target) =>
      CLASS_VALUES.every((tclass) =>
        ask(computeAccess(loaded, state, source, target, tclass), source, target, tclass),
      ),
    ),
  );
}

function accessesOf(each: PolicyCase, policy: Policy): readonly Access[] {
  return accessesWith(each, loadPolicy(policy), each.booleans);
}

function accessesWith(
  { contexts }: PolicyCase,
  loaded: ReturnType<typeof loadPolicy>,
  booleans: readonly boolean[],
): readonly Access[] {
  const state = booleanState(loaded, booleans);
  return contexts.flatMap((source) =>
    contexts.flatMap((target) =>
      CLASS_VALUES.map((tclass) => computeAccess(loaded, state, source, target, tclass)),
    ),
  );
}

/** A permissive type has the bit of its value. */
const policyPermits = ({ permissiveTypes }: Policy, { type }: Context): boolean =>
  ((permissiveTypes[1] ?? 0) & (1 << type)) !== 0;

function hasXpermRule({ policy, contexts, booleans }: PolicyCase, tclass: number): boolean {
  const [source, target] = contexts;
  const covers = (named: number, type: number): boolean =>
    ((policy.attributesOf[type - 1]?.[1] ?? 0) & (1 << (named - 1))) !== 0;
  return activeRules(policy, booleans).some(
    (rule) =>
      rule.specified === AV.xpermsAllowed &&
      rule.class === tclass &&
      covers(rule.source, source.type) &&
      covers(rule.target, target.type),
  );
}
