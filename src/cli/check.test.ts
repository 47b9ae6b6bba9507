/** `kvmsim check`, on laws of its own that hold, fall, and cannot be checked. */

import { expect, test } from "vitest";
import { kvmsim, kvmsimIn, kvmsimOnTerminal } from "../../properties/support/command.ts";
import { casesOf, DEFAULT_SEED, statedLaws } from "../../properties/support/law.ts";
import { cites } from "../../properties/support/planted-laws.ts";

test("a law that holds: a line, a table, totals", async () => {
  const { code, stdout, stderr } = await kvmsim("check", "--law", "small-numbers-are-small");
  expect(code).toBe(0);
  expect(stderr).toBe("");
  expect(stdout).toContain(`seed ${DEFAULT_SEED}`);
  expect(stdout).toMatch(/^holds +small-numbers-are-small, 100 cases, \d/m);
  expect(stdout).toMatch(/small-numbers-are-small +│ +100 │ +\d\.\d\d s │ holds/);
  expect(stdout).toMatch(/\nthe law holds: 100 cases, seed \d+, \d\.\d\d s\n$/);
});

test("a law that falls: its story, and a command that repeats it", async () => {
  const names = "no-number-exceeds-ten,small-numbers-are-small";
  const { code, stdout } = await kvmsim("check", "--law", names, "--seed", "7");
  expect(code).toBe(1);
  expect(stdout).toContain("says    No number exceeds ten.");
  expect(stdout).toContain(`cites   ${cites}`);
  expect(stdout).toContain("saw     11 does");
  expect(stdout).toContain('for     {"number":11}');
  expect(stdout).toContain("1 of 2 laws fell");
  const repeat = /repeat {2}kvmsim (check .*)\n/.exec(stdout)?.[1] ?? "";
  expect(repeat).toMatch(/^check --law no-number-exceeds-ten --seed 7 --path \d+(:\d+)*$/);
  const again = await kvmsim(...repeat.split(" "));
  expect(again.code).toBe(1);
  expect(again.stdout).toContain('for     {"number":11}');
  expect(again.stdout).toContain(" 1 case,");
});

test("a predicate that is false without saying why", async () => {
  const { code, stdout } = await kvmsim("check", "--law", "every-number-is-zero");
  expect(code).toBe(1);
  expect(stdout).toContain('saw     it does not hold\n  for     {"number":1}\n');
});

test("at a path where the law holds, exactly one case runs", async () => {
  const place = ["--path", "3:0", "--json"];
  const { code, stdout } = await kvmsim("check", "--law", "small-numbers-are-small", ...place);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ holds: true, cases: 1 });
});

test("npm start is named when it was used", async () => {
  const env = { npm_lifecycle_event: "start" };
  const { stdout } = await kvmsimIn(env, "check", "--law", "no-number-exceeds-ten");
  expect(stdout).toContain("repeat  npm start -- --law no-number-exceeds-ten --seed");
});

test("a law that cannot be checked has fallen, and the others are checked all the same", async () => {
  const names = "generators-can-fail,nothing-to-speak-of,small-numbers-are-small";
  const { code, stdout } = await kvmsim("check", "--law", names, "--factor", "0.1");
  expect(code).toBe(1);
  expect(stdout).toContain("the check itself failed: no number today");
  expect(stdout).toContain("--law generators-can-fail --seed 20261123 --factor 0.1\n");
  expect(stdout).toContain("too few cases fulfil what the law speaks of");
  expect(stdout).toMatch(/^holds +small-numbers-are-small, 10 cases/m);
  expect(stdout).toContain("2 of 3 laws fell");
});

test("as JSON", async () => {
  const chosen = ["no-number-exceeds-ten", "small-numbers-are-small"].flatMap((name) => [
    "--law",
    name,
  ]);
  const { code, stdout } = await kvmsim("check", "--json", ...chosen);
  expect(code).toBe(1);
  const { holds, laws } = JSON.parse(stdout) as { holds: boolean; laws: { name: string }[] };
  expect(holds).toBe(false);
  expect(laws).toMatchObject([
    { name: "small-numbers-are-small", failure: null },
    { name: "no-number-exceeds-ten", failure: { message: "11 does", seed: DEFAULT_SEED } },
  ]);
});

test("lists every law without checking any", async () => {
  const { code, stdout } = await kvmsim("check", "--list");
  expect(code).toBe(0);
  for (const { name, says } of statedLaws()) {
    expect(stdout).toContain(name);
    expect(stdout).toContain(says);
  }
  expect(stdout).toContain("sim/order  tokens-are-conserved\n");
  const list = JSON.parse((await kvmsim("check", "--list", "--json")).stdout) as object[];
  expect(list).toHaveLength(statedLaws().length);
  const stated = statedLaws().find(({ name }) => name === "tokens-are-conserved");
  expect(list).toContainEqual({
    place: "sim/order",
    name: "tokens-are-conserved",
    says: stated?.says,
    cites: stated?.cites,
    cases: stated && casesOf(stated, 1),
  });
});

test("the seed comes from the option, then the environment, then is the fixed one", async () => {
  const seedOf = async (env: Record<string, string>, ...args: string[]): Promise<number> => {
    const quick = ["--law", "small-numbers-are-small", "--json"];
    const { stdout } = await kvmsimIn(env, "check", ...quick, ...args);
    return (JSON.parse(stdout) as { seed: number }).seed;
  };
  expect(await seedOf({})).toBe(DEFAULT_SEED);
  expect(await seedOf({ KVMSIM_SEED: "" })).toBe(DEFAULT_SEED);
  expect(await seedOf({ KVMSIM_SEED: "12" })).toBe(12);
  expect(await seedOf({ KVMSIM_SEED: "12" }, "--seed", "-13")).toBe(-13);
  expect(await seedOf({}, "--seed", "4294967295")).toBe(-1);
  const drawn = await Promise.all([1, 2, 3].map(() => seedOf({}, "--seed", "random")));
  expect(new Set(drawn).size).toBeGreaterThan(1);
});

test.each([
  [["--law", "no-such"], "--law no-such: no law has that name; see kvmsim check --list"],
  [["--seed", "x"], "--seed x: expected a whole number below 2^32, or random"],
  [["--seed", "4294967296"], "--seed 4294967296: expected a whole number below 2^32, or random"],
  [["--factor", "0"], "--factor 0: expected a number above 0, up to 1000000"],
  [["--factor", "ten"], "--factor ten: expected a number above 0, up to 1000000"],
  [["--path", "1:2"], "--path 1:2: expected one --law with it"],
  [
    ["--law", "small-numbers-are-small", "--path", "x"],
    "--path x: expected numbers joined by colons, as a failure prints",
  ],
  [
    ["--law", "small-numbers-are-small", "--path", "3:99999:4"],
    "--path 3:99999:4: leads to no case of small-numbers-are-small",
  ],
])("refuses check %j", async (args, message) => {
  const { code, stderr } = await kvmsim("check", ...args);
  expect(stderr).toBe(`kvmsim: ${message}\n`);
  expect(code).toBe(2);
});

test("on a terminal a bar is drawn, and removed again, instead of lines", async () => {
  const names = "no-number-exceeds-ten,small-numbers-are-small";
  const { stdout } = await kvmsimOnTerminal({}, "check", "--law", names);
  expect(stdout).toContain("░ 0%");
  expect(stdout).toContain("small-numbers-are-small");
  expect(stdout).not.toMatch(/^holds /m);
  expect(stdout).toContain("\u001B[31mFELL");
  const plain = await kvmsimOnTerminal({ NO_COLOR: "1" }, "check", "--law", names);
  expect(plain.stdout).not.toContain("\u001B[31m");
  const dumb = await kvmsimOnTerminal({ TERM: "dumb" }, "check", "--law", names);
  expect(dumb.stdout).not.toContain("\u001B");
});
