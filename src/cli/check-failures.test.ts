/** `kvmsim check` keeps the case that broke a law, begins with it next time, and forgets it when it holds. */

import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, test } from "vitest";
import { type Ran, kvmsimWith, temporaryFolder } from "../../properties/support/command.ts";
import { planted } from "../../properties/support/planted-laws.ts";

const folder = temporaryFolder();
const NAME = "no-number-exceeds-the-limit";
let runs = 0;
let failures: string;
let kept: string;

beforeEach(() => {
  planted.limit = 10;
  runs += 1;
  failures = folder.at(`${runs}/failures`);
  kept = folder.at(`${runs}/failures/${NAME}.json`);
});
afterAll(() => folder.remove());

const check = (...args: string[]): Promise<Ran> =>
  kvmsimWith({ failures }, "check", "--law", `${NAME},small-numbers-are-small`, ...args);

/** What is known of the law in JSON output. */
const lawIn = ({ stdout }: Ran): unknown =>
  (JSON.parse(stdout) as { laws: { name: string }[] }).laws.find(({ name }) => name === NAME);

const keptNow = (): Record<string, unknown> =>
  JSON.parse(readFileSync(kept, "utf8")) as Record<string, unknown>;

test("a failure is kept: law, seed, path, case and version", async () => {
  const fell = await check("--seed", "7", "--json");
  expect(fell.code).toBe(1);
  const { law, version, ...failure } = keptNow();
  expect(law).toBe(NAME);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(lawIn(fell)).toMatchObject({ failure });
  expect(failure).toMatchObject({ seed: 7, counterexample: '{"number":11}' });
  expect(existsSync(folder.at(`${runs}/failures/small-numbers-are-small.json`))).toBe(false);
});

test("it comes first in the next check, whatever that draws", async () => {
  await check("--seed", "7");
  const before = keptNow();
  const again = await check("--seed", "8", "--json");
  expect(again.code).toBe(1);
  expect(lawIn(again)).toMatchObject({
    cases: 1,
    failure: { seed: 7, path: before["path"], counterexample: '{"number":11}' },
  });
  expect(keptNow()).toEqual(before);
  const told = await check();
  expect(told.stdout).toContain("1 law fell as before, with the case that was kept\n");
  expect(told.stdout).toContain(`--law ${NAME} --seed 7 --path ${String(before["path"])}\n`);
  expect(told.stdout).toContain("1 of 2 laws fell");
});

test("it is forgotten when the law holds again", async () => {
  await check();
  planted.limit = 1000;
  const { code, stdout } = await check();
  expect(code).toBe(0);
  expect(stdout).toContain("all 2 laws hold: 200 cases");
  expect(existsSync(kept)).toBe(false);
});

test("when only the kept case holds, the law is checked as ever and keeps another one", async () => {
  await check("--seed", "7");
  planted.limit = 11;
  expect((await check("--seed", "8")).code).toBe(1);
  expect(keptNow()).toMatchObject({ seed: 8, counterexample: '{"number":12}' });
});

test("a case that no longer exists is forgotten", async () => {
  mkdirSync(failures, { recursive: true });
  writeFileSync(kept, JSON.stringify({ seed: 7, path: "3:99999:4" }));
  planted.limit = 1000;
  expect((await check()).code).toBe(0);
  expect(existsSync(kept)).toBe(false);
});

test("a case that is run by its path changes nothing that is kept", async () => {
  await check("--seed", "7");
  const before = keptNow();
  const there = ["--law", NAME, "--seed", "9", "--path", "0"];
  for (const [limit, expected] of [
    [-1, 1],
    [1000, 0],
  ] as const) {
    planted.limit = limit;
    const { code, stdout } = await kvmsimWith({ failures }, "check", ...there);
    expect(code).toBe(expected);
    expect(stdout).not.toContain("as before");
    expect(keptNow()).toEqual(before);
  }
});

test.each([
  "",
  "{",
  "[]",
  "null",
  '{"seed":1}',
  '{"seed":"1","path":"0"}',
  '{"seed":1,"path":"x"}',
])("refuses to go on with %j in place of a failure", async (text) => {
  mkdirSync(failures, { recursive: true });
  writeFileSync(kept, text);
  const { code, stderr } = await check();
  expect(stderr).toBe(`kvmsim: ${kept}: not a failure that was kept; delete it\n`);
  expect(code).toBe(2);
});

test("where nothing can be read there is one clear line", async () => {
  mkdirSync(folder.at(`${runs}`));
  writeFileSync(failures, "");
  const { code, stderr } = await check();
  expect(stderr).toMatch(/^kvmsim: .*\.json: cannot be read \(ENOTDIR\)\n$/);
  expect(code).toBe(2);
});

test("where nothing can be written the verdict is told all the same", async () => {
  mkdirSync(failures, { recursive: true });
  symlinkSync("no/such/folder", kept);
  const { code, stdout, stderr } = await check();
  expect(code).toBe(1);
  expect(stdout).toContain("1 of 2 laws fell");
  expect(stderr).toMatch(/^kvmsim: failures are not kept: ENOENT.*\n$/);
});
