/** Laws of binary policies as files. */

import fc from "fast-check";
import { InputError } from "../../src/sim/assert.ts";
import { computeAccess } from "../../src/selinux/decisions/access.ts";
import { booleanState } from "../../src/selinux/decisions/booleans.ts";
import { type LoadedPolicy, loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { transition } from "../../src/selinux/decisions/transitions.ts";
import { type Ebitmap, has, valuesOf } from "../../src/selinux/policydb/ebitmap.ts";
import { AV, type Context, type Policy } from "../../src/selinux/policydb/policy.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";
import { writePolicy } from "../../src/selinux/policydb/write.ts";
import { isValidContext } from "../../src/selinux/policydb/valid.ts";
import { law } from "../support/law.ts";
import { anyCase } from "../support/policies.ts";
import { same } from "../support/same.ts";
import { anyDamage, damaged, POLICY_FILES, policyFile } from "../support/policy-files.ts";
import { rulesIn } from "../support/policy-rules.ts";
import { modelAccess } from "../support/policy-model.ts";

const TYPE_RULES = AV.transition | AV.member | AV.change;
const POLICYDB = "Linux, security/selinux/ss/policydb.c, policydb_read";

law("a-damaged-policy-is-refused-in-one-line", {
  says: "A policy with flipped bits, other numbers, bytes that come twice or are lost is refused in one line with its name and the place, or is read and decides without a failure.",
  cites: `${POLICYDB}; DESIGN, What bad input gets`,
  forAll: {
    file: fc.constantFrom(...POLICY_FILES),
    damages: fc.array(anyDamage(), { minLength: 1, maxLength: 3 }),
  },
  runs: 4000,
  holds: ({ file, damages }) => {
    const bytes = damages.reduce(damaged, policyFile(file));
    const read = readOrRefusal(bytes, file);
    if (typeof read !== "string") return decides(loadPolicy(read));
    return /^[\w.-]+: offset \d+: expected [^\n]+$/.test(read) && read.startsWith(file);
  },
});

law("a-policy-that-ends-early-is-refused", {
  says: "No policy is read from less than all of its bytes, and none with more behind its end.",
  cites: POLICYDB,
  forAll: {
    file: fc.constantFrom(...POLICY_FILES),
    end: fc.nat(8000),
    more: fc.integer({ min: 1, max: 9 }),
  },
  runs: 1000,
  holds: ({ file, end, more }) => {
    const bytes = policyFile(file);
    if (typeof readOrRefusal(bytes, file) === "string") return false;
    const longer = new Uint8Array(bytes.length + more);
    longer.set(bytes);
    return [bytes.subarray(0, end % bytes.length), longer].every(
      (other) => typeof readOrRefusal(other, file) === "string",
    );
  },
});

law("what-is-read-names-what-there-is", {
  says: "Whatever damage a policy was read with, its rules, sets, constraints and bounds name only classes, types, roles and users that it has, and bounds come to an end.",
  cites: `${POLICYDB}; Linux, security/selinux/ss/avtab.c, avtab_read_item`,
  forAll: { file: fc.constantFrom(...POLICY_FILES), damage: anyDamage() },
  runs: 6000,
  holds: ({ file, damage }) => {
    const read = readOrRefusal(damaged(policyFile(file), damage), file);
    return typeof read === "string" || namesOnlyItself(read);
  },
});

law("what-is-written-is-read-back", {
  says: "A policy that was written in the kernel's format is read back the same, and written again has the same bytes.",
  cites: `${POLICYDB}, policydb_write`,
  forAll: { each: anyCase() },
  given: ({ each }) => each.policy.rules.source.length > 0,
  holds: ({ each: { policy } }) => {
    const bytes = writePolicy(policy);
    const read = readPolicy(bytes, "written");
    same(inOrder(read), inOrder(policy));
    same(writePolicy(read), bytes);
  },
});

law("what-is-read-is-valid", {
  says: "Whatever damage a policy was read with, every context in it is one that the policy itself takes for valid, and its decisions are those of the model.",
  cites: `${POLICYDB}; Linux, security/selinux/ss/policydb.c, context_read_and_validate`,
  forAll: {
    file: fc.constantFrom(...POLICY_FILES),
    damages: fc.array(anyDamage(), { maxLength: 1 }),
  },
  runs: 400,
  holds: ({ file, damages }) => {
    const read = readOrRefusal(damages.reduce(damaged, policyFile(file)), file);
    if (typeof read === "string") return damages.length > 0;
    const loaded = loadPolicy(read);
    const state = booleanState(loaded);
    const contexts = contextsOf(read);
    return contexts.every((source) => {
      if (!isValidContext(read, source)) return false;
      const [target] = contexts;
      if (target === undefined) return true;
      const got = computeAccess(loaded, state, source, target, 2);
      const expected = modelAccess(read, state.values, source, target, 2);
      return (
        got.allowed === expected.allowed &&
        got.auditallow === expected.auditallow &&
        got.auditdeny === expected.auditdeny
      );
    });
  },
});

// Helpers

/** The policy, or the line that refuses it. Any other failure is one. */
function readOrRefusal(bytes: Uint8Array, name: string): Policy | string {
  try {
    return readPolicy(bytes, name);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

const contextsOf = ({ initialSids, objects, genfs }: Policy): readonly Context[] => [
  ...initialSids.map(({ context }) => context),
  ...objects.fsUses.map(({ context }) => context),
  ...objects.ports.map(({ context }) => context),
  ...objects.interfaces.flatMap(({ context, packetContext }) => [context, packetContext]),
  ...genfs.flatMap(({ paths }) => paths.map(({ context }) => context)),
];

function namesOnlyItself(policy: Policy): boolean {
  const { classes, types, roles, users } = policy;
  const isType = (value: number): boolean => (types[value - 1]?.name ?? "") !== "";
  const limits = { user: users.length, role: roles.length, type: types.length };
  const fits = (set: Ebitmap, limit: number): boolean => valuesOf(set).every((bit) => bit < limit);
  const branches = policy.conditionals.flatMap(({ whenTrue, whenFalse }) => [whenTrue, whenFalse]);
  const rules = [policy.rules, ...branches].flatMap(rulesIn);
  const constraints = classes.flatMap((c) => [...c.constraints, ...c.validateTransitions]);
  const reachesEnd = (type: number, steps: number): boolean =>
    type === 0 || (steps > 0 && reachesEnd(types[type - 1]?.bounds ?? 0, steps - 1));
  return (
    rules.every(
      (rule) =>
        isType(rule.source) &&
        isType(rule.target) &&
        classes[rule.class - 1] !== undefined &&
        ((rule.specified & TYPE_RULES) === 0 || isType(rule.data)),
    ) &&
    constraints.every(
      ({ expression }) =>
        depthOf(expression) === 1 &&
        expression.every((n) => n.kind !== "names" || fits(n.names, limits[n.attribute])),
    ) &&
    roles.every((role) => fits(role.types, types.length) && fits(role.dominates, roles.length)) &&
    users.every((user) => fits(user.roles, roles.length)) &&
    policy.attributesOf.every((set, i) => fits(set, types.length) && has(set, i)) &&
    policy.filenameTransitions.every(({ sources }) => fits(sources, types.length)) &&
    types.every((_, i) => reachesEnd(i + 1, types.length))
  );
}

/** How many values are left of a postfix expression; -1 where an operator lacks one. */
function depthOf(expression: readonly { readonly kind: string }[]): number {
  return expression.reduce((depth, { kind }) => {
    const operands = kind === "not" ? 1 : kind === "and" || kind === "or" ? 2 : 0;
    return depth < operands ? -1 : depth + 1 - operands;
  }, 0);
}

/** Without a failure, about every pair of contexts and class. */
function decides(loaded: LoadedPolicy): boolean {
  const state = booleanState(loaded);
  const contexts = contextsOf(loaded.policy).slice(0, 4);
  for (const source of contexts)
    for (const target of contexts)
      for (let tclass = 0; tclass <= loaded.policy.classes.length + 1; tclass += 1) {
        const { allowed } = computeAccess(loaded, state, source, target, tclass);
        if (allowed < 0) return false;
        transition(loaded, state, source, target, tclass, "disk");
      }
  return true;
}

/** The format groups filename transitions by what they share. */
function inOrder(policy: Policy): Policy {
  const keyOf = (one: Policy["filenameTransitions"][number]): string =>
    [one.name, one.target, one.class, one.newType].join(" ");
  const filenameTransitions = policy.filenameTransitions.toSorted((a, b) =>
    keyOf(a) < keyOf(b) ? -1 : 1,
  );
  return { ...policy, filenameTransitions };
}
