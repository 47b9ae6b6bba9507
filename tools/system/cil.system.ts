/** Policies compiled by us and by secilc say the same: ours, and Debian's, which checkpolicy turns back into CIL. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { anySmallPolicy, textOf } from "../../properties/support/cil.ts";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import { compileCil } from "../../src/selinux/cil/compile.ts";
import { NEWEST_VERSION } from "../../src/selinux/policydb/policy.ts";
import { writePolicy } from "../../src/selinux/policydb/write.ts";

/** What the packages selinux-policy-default and selinux-policy-mls compile when they are installed. */
const DISTRIBUTED = ["default", "mls"].map((name) => `/etc/selinux/${name}/policy/policy.33`);
const OURS = ["policies/svirt.cil", "policies/features.cil"];
const SHOWN_MAX = 10;

/** Versions that can say all of svirt.cil: it has rules about commands of ioctl. */
const VERSIONS = [30, 31, 32, NEWEST_VERSION];

/** A rule that breaks one of the neverallow rules of svirt.cil, or none. */
const RULES: readonly (readonly [rule: string, isAllowed: boolean])[] = [
  ["(allow svirt_t virt_content_t (file (write)))", false],
  ["(allow svirt_t self (process (setexec)))", false],
  ["(allow domain self (process (ptrace)))", false],
  ["(allow virtd_t self (process (ptrace)))", true],
  ["(allow svirt_tcg_t self (process (execmem)))", true],
  ["(allowx svirt_t tun_tap_device_t (ioctl chr_file (0x54ca)))", false],
  ["(allowx svirt_t tun_tap_device_t (ioctl chr_file (0x54c9)))", true],
  ["(booleanif virt_debug (true (allow svirt_t self (process (execmem)))))", false],
  ["(booleanif virt_debug (false (allow svirt_t svirt_image_t (file (execute)))))", true],
];

const SMALL_POLICIES = 150;
/** secilc takes no policy without users, initial SIDs and rules. */
const REST = `
(user u) (userrange u ((s0) (s0))) (userlevel u (s0)) (role object_r) (userrole u object_r)
(roletype object_r t) (sid kernel) (sidorder (kernel)) (sidcontext kernel (u object_r t ((s0) (s0))))
(type other) (allow other other (file (read)))
`;

const folder = mkdtempSync(path.join(tmpdir(), "kvmsim-cil-"));
const inFolder = (name: string): string => path.join(folder, name);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: "pipe" });
}

/** The first bit of the configuration word, which comes after the signature and the version. */
const hasLevels = (binary: string): boolean => ((readFileSync(binary)[20] ?? 0) & 1) === 1;

/** The statements of a binary policy, in no order. */
function statementsOf(binary: string): readonly string[] {
  const text = inFolder("statements.cil");
  run("checkpolicy", "-b", ...(hasLevels(binary) ? ["-M"] : []), "-C", "-o", text, binary);
  return readFileSync(text, "utf8").split("\n").sort();
}

function isDone(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

const theirs = (source: string, version: number): string => {
  const binary = inFolder("theirs");
  run("secilc", "-c", `${version}`, "-o", binary, "-f", inFolder("contexts"), source);
  return binary;
};

function ours(source: string, version: number): string {
  const binary = inFolder("ours");
  const policy = compileCil(readFileSync(source, "utf8"), path.basename(source));
  writeFileSync(binary, writePolicy({ ...policy, version }));
  return binary;
}

function differences(source: string, version: number, least: number): readonly string[] {
  const expected = statementsOf(theirs(source, version));
  const found = statementsOf(ours(source, version));
  expect(expected.length).toBeGreaterThan(least);
  const [one, other] = [new Set(expected), new Set(found)];
  const only = [
    ...expected.filter((line) => !other.has(line)).map((line) => `secilc alone: ${line}`),
    ...found.filter((line) => !one.has(line)).map((line) => `ours alone: ${line}`),
  ];
  // Equal sets may still hold a line a different number of times.
  if (only.length === 0 && expected.join("\n") !== found.join("\n")) only.push("other counts");
  return only.slice(0, SHOWN_MAX);
}

describe("our compiler and secilc", () => {
  test.each(OURS)("make the same of %s", (source) => {
    expect(differences(source, NEWEST_VERSION, 200)).toEqual([]);
  });

  test.each(VERSIONS)("make the same of svirt.cil in version %i", (version) => {
    expect(differences(OURS[0] ?? "", version, 1000)).toEqual([]);
  });

  test.each(DISTRIBUTED)("make the same of %s", (binary) => {
    expect(existsSync(binary), `${binary} is there: install selinux-policy-*`).toBe(true);
    const source = inFolder("distributed.cil");
    run("checkpolicy", "-b", "-M", "-C", "-o", source, binary);
    expect(differences(source, NEWEST_VERSION, 140_000)).toEqual([]);
  });

  test("take and refuse the same small policies, and make the same of them", () => {
    const seed = Number(process.env["KVMSIM_SEED"] ?? DEFAULT_SEED);
    const keywords = ["allow", "auditallow", "dontaudit", "neverallow"] as const;
    let taken = 0;
    for (const policy of fc.sample(anySmallPolicy(keywords), { numRuns: SMALL_POLICIES, seed })) {
      const source = inFolder("small.cil");
      writeFileSync(source, textOf(policy) + REST);
      const isTaken = isDone(() => ours(source, NEWEST_VERSION));
      const isTakenByThem = isDone(() => theirs(source, NEWEST_VERSION));
      expect({ policy, isTaken }).toEqual({ policy, isTaken: isTakenByThem });
      if (!isTaken) continue;
      taken += 1;
      const different = differences(source, NEWEST_VERSION, 10);
      expect({ policy, different }).toEqual({ policy, different: [] });
    }
    expect(taken).toBeGreaterThan(SMALL_POLICIES / 2);
  });

  test.each(RULES)("take %s: %s", (rule, isAllowed) => {
    const source = inFolder("more.cil");
    writeFileSync(source, `${readFileSync(OURS[0] ?? "", "utf8")}${rule}\n`);
    const act = (compile: typeof ours) => (): string => compile(source, NEWEST_VERSION);
    if (isAllowed) {
      expect(act(ours)).not.toThrow();
      expect(act(theirs)).not.toThrow();
    } else {
      expect(act(ours)).toThrow(/expected no rule to allow this/);
      expect(act(theirs)).toThrow(/neverallow/);
    }
  });
});
