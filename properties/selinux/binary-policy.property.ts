/** Laws of binary policies as files. */

import fc from "fast-check";
import { InputError } from "../../src/sim/assert.ts";
import { computeAccess } from "../../src/selinux/decisions/access.ts";
import { booleanState } from "../../src/selinux/decisions/booleans.ts";
import { type LoadedPolicy, loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { transition } from "../../src/selinux/decisions/transitions.ts";
import type { Context, Policy } from "../../src/selinux/policydb/policy.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";
import { writePolicy } from "../../src/selinux/policydb/write.ts";
import { isValidContext } from "../../src/selinux/policydb/valid.ts";
import { law } from "../support/law.ts";
import { same } from "../support/same.ts";
import { anyDamage, damaged, POLICY_FILES, policyFile } from "../support/policy-files.ts";
import { anyCase } from "../support/policies.ts";
import { modelAccess } from "../support/policy-model.ts";

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
  forAll: { file: fc.constantFrom(...POLICY_FILES), end: fc.nat(8000) },
  runs: 1000,
  holds: ({ file, end }) => {
    const bytes = policyFile(file);
    if (typeof readOrRefusal(bytes, file) === "string") return false;
    const other = new Uint8Array(end % (bytes.length + 8));
    other.set(bytes.subarray(0, other.length));
    return other.length === bytes.length || typeof readOrRefusal(other, file) === "string";
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
