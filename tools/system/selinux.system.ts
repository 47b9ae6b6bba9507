/** Debian's policies: counted as setools counts them, decided as libsepol decides. And damaged policies, by the ten thousand. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import {
  type Damage,
  damaged,
  HARD_NUMBERS,
  POLICY_FILES,
  policyFile,
  policyPath,
  policyText,
} from "../../properties/support/policy-files.ts";
import { InputError } from "../../src/sim/assert.ts";
import { loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { countsOf } from "../../src/selinux/policydb/counts.ts";
import { compileCil } from "../../src/selinux/cil/compile.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";
import { writePolicy } from "../../src/selinux/policydb/write.ts";
import { Draws } from "../oracle/draws.ts";
import { Questions } from "../selinux/agreement.ts";
import { Sepol } from "../selinux/sepol.ts";

const SEINFO = "seinfo";
const SECONDS_MAX = 600;
const SHOWN_MAX = 20;
const ROUNDS = 3;
/** Of each policy in each round. */
const ACCESSES = 20_000;
const TRANSITIONS = 8000;
const VALIDATIONS = 4000;
const DAMAGED_SMALL = 25_000;
const DAMAGED_DEBIANS = 150;
/** Of damaged small policies, every so many are weighed. */
const WEIGHED = 100;
/** How often a policy in memory may be its file. */
const TIMES_THE_FILE = 10;
/** What the process itself gains and loses between two weighings. */
const NOISE_BYTES = 1 << 18;
const POLICIES = ["default", "mls"] as const;

const seed = Number(process.env["KVMSIM_SEED"] ?? DEFAULT_SEED) >>> 0;
const pathOf = (name: string): string => `/etc/selinux/${name}/policy/policy.33`;

const OURS = ["svirt.cil", "features.cil"] as const;
const folder = mkdtempSync(join(tmpdir(), "kvmsim-policies-"));
const compiled = (name: string): string => join(folder, `${name}.33`);

let sepol: Sepol;
beforeAll(() => {
  process.stderr.write(`KVMSIM_SEED=${seed}\n`);
  sepol = new Sepol();
  for (const name of OURS)
    writeFileSync(compiled(name), writePolicy(compileCil(policyText(name), name)));
});
afterAll(() => {
  sepol.remove();
  rmSync(folder, { recursive: true });
});

test.each(POLICIES)("Debian's policy %s has what seinfo counts", (name) => {
  const path = pathOf(name);
  const printed = execFileSync(SEINFO, [path], { encoding: "utf8" });
  const theirs = [...printed.matchAll(/ {2}([A-Z][A-Za-z_. ]*): +(\d+)/g)].map(
    ([, what, count]) => [what, Number(count)] as const,
  );
  expect(theirs.length).toBeGreaterThan(35);
  expect(countsOf(readPolicy(readFileSync(path), path))).toEqual(theirs);
});

const ASKED: readonly (readonly [name: string, path: string])[] = [
  ...POLICIES.map((name) => [name, pathOf(name)] as const),
  ...OURS.map((name) => [name, compiled(name)] as const),
  ...POLICY_FILES.map((name) => [name, policyPath(name)] as const),
];

test.each(ASKED)(
  "libsepol and we answer the same about the policy %s",
  (name, path) => {
    const policy = readPolicy(readFileSync(path), path);
    const questions = new Questions(policy, new Draws(`selinux/${name}/${seed}`));
    for (let round = 0; round < ROUNDS; round += 1) {
      if (round > 0) questions.drawBooleans();
      for (let i = 0; i < ACCESSES; i += 1) questions.access();
      for (let i = 0; i < TRANSITIONS; i += 1) questions.transition();
      for (let i = 0; i < VALIDATIONS; i += 1) questions.validation();
    }
    const { all } = questions;
    const answers = sepol.ask(
      path,
      all.map(({ question }) => question),
    );
    expect(all.length).toBeGreaterThan(ROUNDS * (ACCESSES + VALIDATIONS));
    expect(questions.differences(answers).slice(0, SHOWN_MAX)).toEqual([]);
  },
  SECONDS_MAX * 1000,
);

function anyDamage(draws: Draws): Damage {
  const at = draws.u32();
  switch (draws.below(8)) {
    case 0:
      return { kind: "cut", at };
    case 1:
      return { kind: "repeat", at, bytes: 1 + draws.below(40) };
    case 2:
      return { kind: "lose", at, bytes: 1 + draws.below(40) };
    case 3:
    case 4:
      return { kind: "flip", at, bit: draws.below(8) };
    default:
      return {
        kind: "number",
        at,
        value: draws.chance(2) ? draws.u32() : draws.pick(HARD_NUMBERS),
      };
  }
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function weight(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** False when it was refused. */
function isRead(bytes: Uint8Array): boolean {
  try {
    loadPolicy(readPolicy(bytes, "damaged.policy"));
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^damaged\.policy: offset \d+: expected [^\n]+$/);
    return false;
  }
}

/** The policy alone, without what is derived from it. */
function expectLight(bytes: Uint8Array): void {
  const before = weight();
  let policy: unknown = null;
  try {
    policy = readPolicy(bytes, "damaged.policy");
  } catch {
    return;
  }
  expect(weight() - before).toBeLessThan(TIMES_THE_FILE * bytes.length + NOISE_BYTES);
  expect(policy).not.toBeNull();
}

/** How many of the damaged files were refused, and how many were read after all. */
function readDamaged(
  file: Uint8Array,
  count: number,
  weighed: number,
  draws: Draws,
): readonly [number, number] {
  const ends: [number, number] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const bytes = damaged(file, anyDamage(draws));
    ends[isRead(bytes) ? 1 : 0] += 1;
    if (i % weighed === 0) expectLight(bytes);
  }
  return ends;
}

test(
  "a hundred thousand damaged policies are refused in one line, or read in ten times their size",
  () => {
    const draws = new Draws(`selinux/damaged/${seed}`);
    for (const name of POLICY_FILES) {
      const [refused, read] = readDamaged(policyFile(name), DAMAGED_SMALL, WEIGHED, draws);
      expect(refused).toBeGreaterThan(DAMAGED_SMALL / 10);
      expect(read).toBeGreaterThan(0);
    }
    for (const name of POLICIES) {
      const file = readFileSync(pathOf(name));
      expectLight(file);
      readDamaged(file, DAMAGED_DEBIANS, 1, draws);
    }
  },
  SECONDS_MAX * 1000,
);
