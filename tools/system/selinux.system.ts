/** Debian's policies: counted as setools counts them, decided as libsepol decides. And damaged policies, by the ten thousand. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import { countsOf } from "../../src/selinux/policydb/counts.ts";
import { readPolicy } from "../../src/selinux/policydb/read.ts";
import { Draws } from "../oracle/draws.ts";
import { Questions } from "../selinux/agreement.ts";
import { Sepol } from "../selinux/sepol.ts";

const SECONDS_MAX = 600;
const SHOWN_MAX = 20;
const ROUNDS = 3;
/** Of each policy in each round. */
const ACCESSES = 20_000;
const TRANSITIONS = 8000;
const VALIDATIONS = 4000;
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
  const printed = execFileSync("seinfo", [path], { encoding: "utf8" });
  const theirs = [...printed.matchAll(/ {2}([A-Z][A-Za-z_. ]*): +(\d+)/g)].map(
    ([, what, count]) => [what, Number(count)] as const,
  );
  expect(theirs.length).toBeGreaterThan(35);
  expect(countsOf(readPolicy(readFileSync(path), path))).toEqual(theirs);
});

test.each(POLICIES)(
  "libsepol and we answer the same about Debian's policy %s",
  (name) => {
    const path = pathOf(name);
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
    expect(all.length).toBeGreaterThan(60_000);
    expect(questions.differences(answers).slice(0, SHOWN_MAX)).toEqual([]);
  },
  SECONDS_MAX * 1000,
);
