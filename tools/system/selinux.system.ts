/** Debian's policies: counted as setools counts them, decided as libsepol decides. And damaged policies, by the ten thousand. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import {
  type Damage,
  damaged,
  HARD_NUMBERS,
  POLICY_FILES,
  policyFile,
  policyPath,
} from "../../properties/support/policy-files.ts";
import { InputError } from "../../src/sim/assert.ts";
import { loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { countsOf } from "../../src/selinux/policydb/counts.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";
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
const HANG_MS = 20_000;
const POLICIES = ["default", "mls"] as const;

const seed = Number(process.env["KVMSIM_SEED"] ?? DEFAULT_SEED) >>> 0;
const pathOf = (name: string): string => `/etc/selinux/${name}/policy/policy.33`;

let sepol: Sepol;
beforeAll(() => {
  process.stderr.write(`KVMSIM_SEED=${seed}\n`);
  sepol = new Sepol();
});
afterAll(() => sepol.remove());

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

/** How many of the damaged files were refused, and how many were read after all. */
function readDamaged(file: Uint8Array, count: number, draws: Draws): readonly [number, number] {
  const ends: [number, number] = [0, 0];
  for (let i = 0; i < count; i += 1) {
    const bytes = damaged(file, anyDamage(draws));
    const started = performance.now();
    try {
      loadPolicy(readPolicy(bytes, "damaged.policy"));
      ends[1] += 1;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      expect(error.message).toMatch(/^damaged\.policy: offset \d+: expected [^\n]+$/);
      ends[0] += 1;
    }
    // A hang, not a measurement: whole files take some hundred milliseconds.
    expect(performance.now() - started).toBeLessThan(HANG_MS);
  }
  return ends;
}

test(
  "a hundred thousand damaged policies are refused in one line, or read",
  () => {
    const draws = new Draws(`selinux/damaged/${seed}`);
    for (const name of POLICY_FILES) {
      const [refused, read] = readDamaged(policyFile(name), DAMAGED_SMALL, draws);
      expect(refused).toBeGreaterThan(DAMAGED_SMALL / 10);
      expect(read).toBeGreaterThan(0);
    }
    for (const name of POLICIES) readDamaged(readFileSync(pathOf(name)), DAMAGED_DEBIANS, draws);
  },
  SECONDS_MAX * 1000,
);
