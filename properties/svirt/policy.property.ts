/** Laws of the policy for guests: what is another guest's is out of reach. */

import fc from "fast-check";
import { compileCil } from "../../src/selinux/cil/compile.ts";
import { computeAccess } from "../../src/selinux/decisions/access.ts";
import { booleanState } from "../../src/selinux/decisions/booleans.ts";
import { parseContext } from "../../src/selinux/decisions/contexts.ts";
import { type LoadedPolicy, loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import type { Context } from "../../src/selinux/policydb/policy.ts";
import { law } from "../support/law.ts";
import { policyText } from "../support/policy-files.ts";

const DOMAINS = ["svirt_t", "svirt_tcg_t"];
/** Types of what a guest has alone: its processes, images and memory. */
const OWN_TYPES = [...DOMAINS, "svirt_image_t", "svirt_tmpfs_t"];
/** What a process is asked about itself, whatever stands there as its target. */
const OF_ITSELF = ["fork", "execmem", "execstack", "execheap", "setrlimit"];

let loaded: LoadedPolicy | null = null;
const policy = (): LoadedPolicy =>
  (loaded ??= loadPolicy(compileCil(policyText("svirt.cil"), "svirt.cil")));

const anyPair = (): fc.Arbitrary<readonly [number, number]> =>
  fc
    .uniqueArray(fc.nat(1023), { minLength: 2, maxLength: 2 })
    .map((both) => both.toSorted((a, b) => a - b) as [number, number]);

const anyDomain = (): fc.Arbitrary<string> => fc.constantFrom(...DOMAINS);

law("a-guests-domain-is-allowed-nothing-on-another-guests", {
  says: "Whatever booleans say, a guest's process is allowed no permission of any class on a process, an image or memory that has another guest's categories.",
  cites: "policies/svirt.cil; libvirt, docs/drvqemu.rst, SELinux dynamic labelling",
  forAll: {
    domain: anyDomain(),
    type: fc.constantFrom(...OWN_TYPES),
    pairs: fc.tuple(anyPair(), anyPair()),
    booleans: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  },
  given: ({ pairs: [a, b] }) => a.join() !== b.join(),
  runs: 300,
  holds: ({ domain, type, pairs: [own, other], booleans }) => {
    const found = allowed(context("system_r", domain, own), target(type, other), booleans);
    if (found.length > 0) throw new Error(found.join(", "));
  },
});

law("a-guest-reaches-what-is-its-own", {
  says: "A guest's process may read, write and map its own images and memory, read what is for all, and write to none of that.",
  cites: "policies/svirt.cil; libvirt, docs/drvqemu.rst, SELinux dynamic labelling",
  forAll: { domain: anyDomain(), pair: anyPair() },
  holds: ({ domain, pair }) => {
    const process = context("system_r", domain, pair);
    const may = (type: string, categories: readonly number[], permission: string): boolean =>
      allowed(process, context("object_r", type, categories), []).includes(`file ${permission}`);
    return (
      ["open", "read", "write", "map"].every(
        (one) => may("svirt_image_t", pair, one) && may("svirt_tmpfs_t", pair, one),
      ) &&
      ["open", "read"].every((one) => may("virt_content_t", [], one)) &&
      ["write", "append", "relabelfrom", "relabelto", "unlink"].every(
        (one) => !may("virt_content_t", [], one),
      )
    );
  },
});

function context(role: string, type: string, categories: readonly number[]): Context {
  const names = categories.map((one) => `c${one}`).join();
  const text = `system_u:${role}:${type}:s0${names === "" ? "" : `:${names}`}`;
  const parsed = parseContext(policy(), text);
  if (parsed === null) throw new Error(`no context of the policy: ${text}`);
  return parsed;
}

const target = (type: string, pair: readonly number[]): Context =>
  context(DOMAINS.includes(type) ? "system_r" : "object_r", type, pair);

/** `class permission` of all that is. */
function allowed(source: Context, object: Context, booleans: readonly boolean[]): string[] {
  const state = booleanState(policy(), booleans);
  return policy().policy.classes.flatMap(({ name, permissions }, i) => {
    if (name === "filesystem") return [];
    const mask = computeAccess(policy(), state, source, object, i + 1).allowed;
    return permissions
      .filter((_, bit) => (mask & (1 << bit)) !== 0)
      .filter((one) => name !== "process" || !OF_ITSELF.includes(one))
      .map((one) => `${name} ${one}`);
  });
}
