/** Laws of what a policy says of file systems, and of types that are bounded by others. */

import fc from "fast-check";
import { isBoundedBy } from "../../src/selinux/decisions/bounds.ts";
import { fsUse, genfsContext } from "../../src/selinux/decisions/labels.ts";
import { loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import type { GenfsContext, Policy } from "../../src/selinux/policydb/policy.ts";
import { law } from "../support/law.ts";
import { anyCase, anyPolicy, type PolicyCase } from "../support/policies.ts";
import { CLASS_COUNT } from "../support/policy-rules.ts";

const anyPath = (): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom("/", "a", "b"), { maxLength: 5 }).map((parts) => `/${parts.join("")}`);

/** Which context of the case, for files of which class; a path is there once for all classes, or once for each. */
const anyPaths = () =>
  fc.uniqueArray(fc.record({ path: anyPath(), class: fc.nat(CLASS_COUNT), context: fc.nat(3) }), {
    maxLength: 8,
    comparator: (a, b) => a.path === b.path && (a.class * b.class === 0 || a.class === b.class),
  });

law("a-file-has-the-label-of-the-longest-prefix", {
  says: "A file of a file system without labels has the context of the longest path that its own begins with and that is for its class; slashes at the beginning count once. Without one it has none.",
  cites: "Linux, security/selinux/ss/services.c, __security_genfs_sid",
  forAll: {
    each: anyCase(),
    paths: anyPaths(),
    slashes: fc.nat(2),
    path: anyPath(),
    tclass: fc.integer({ min: 1, max: CLASS_COUNT }),
  },
  runs: 1000,
  holds: ({ each, paths, slashes, path, tclass }) => {
    const policy = withGenfs(each, paths);
    const loaded = loadPolicy(policy);
    const wanted = `/${path.split(/^\/+/)[1] ?? ""}`;
    const prefixes = Array.from({ length: wanted.length }, (_, i) =>
      wanted.slice(0, wanted.length - i),
    );
    const all = policy.genfs[0]?.paths ?? [];
    const expected = prefixes
      .map((prefix) => all.find((p) => p.path === prefix && [0, tclass].includes(p.class)))
      .find((found) => found !== undefined);
    const got = genfsContext(loaded, "proc", "/".repeat(slashes) + path, tclass);
    return (
      got === (expected?.context ?? null) && genfsContext(loaded, "sysfs", path, tclass) === null
    );
  },
});

law("a-file-system-is-used-as-the-policy-says", {
  says: "A file system is labelled as its fs_use rule says; without one by the paths of the policy when its root has a label, and otherwise not at all.",
  cites: "Linux, security/selinux/ss/services.c, security_fs_use",
  forAll: {
    each: anyCase(),
    behavior: fc.constantFrom(1, 2, 3, 7),
    paths: anyPaths(),
    name: fc.constantFrom("ext4", "proc", "sysfs"),
  },
  holds: ({ each, behavior, paths, name }) => {
    const [context] = each.contexts;
    const policy = withGenfs(each, paths);
    const objects = { ...policy.objects, fsUses: [{ behavior, name: "ext4", context }] };
    const loaded = loadPolicy({ ...policy, objects });
    const use = fsUse(loaded, name);
    if (name === "ext4") {
      const named = { 1: "xattr", 2: "transition", 3: "task", 7: "native" }[behavior];
      return use.behavior === named && use.context === context;
    }
    const root = genfsContext(loaded, name, "/", 0);
    return use.context === root && use.behavior === (root === null ? "none" : "genfs");
  },
});

law("bounds-reach-through-bounds", {
  says: "A thread may become a type iff that is its own or the chain of what bounds the type leads to its own.",
  cites: "Linux, security/selinux/ss/services.c, security_bounded_transition",
  forAll: { policy: anyPolicy() },
  runs: 400,
  holds: ({ policy }) => {
    const loaded = loadPolicy(policy);
    const isBounded = (type: number, bound: number): boolean => {
      const next = policy.types[type - 1]?.bounds ?? 0;
      return type === bound || (next !== 0 && isBounded(next, bound));
    };
    const values = policy.types.map((_, i) => i + 1);
    return values.every((type) =>
      values.every((bound) => isBoundedBy(loaded, type, bound) === isBounded(type, bound)),
    );
  },
});

// Helpers

function withGenfs(
  { policy, contexts }: PolicyCase,
  paths: readonly { readonly path: string; readonly class: number; readonly context: number }[],
): Policy {
  const genfs: GenfsContext = {
    filesystem: "proc",
    paths: paths.map(({ context, ...path }) => ({
      ...path,
      context: contexts[context] ?? contexts[0],
    })),
  };
  return { ...policy, genfs: [genfs] };
}
