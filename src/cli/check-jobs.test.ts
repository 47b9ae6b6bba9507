/** `kvmsim check --jobs`: laws in workers come out as in one process, and a worker that ends takes one law with it. */

import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import "../../properties/index.ts";
import {
  kvmsimOnTerminalWith,
  kvmsimWith,
  type Ran,
  temporaryFolder,
} from "../../properties/support/command.ts";
import { statedLaws } from "../../properties/support/law.ts";
import { plantedWorker } from "../../properties/support/law-workers.ts";
import "../../properties/support/planted-laws.ts";
import { LONGEST } from "./laws/longest-first.ts";

const folder = temporaryFolder();
let lawWorker: URL;

beforeAll(async () => {
  lawWorker = await plantedWorker(folder.at("worker"));
});
afterAll(() => folder.remove());

const check = (...args: string[]): Promise<Ran> => kvmsimWith({ lawWorker }, "check", ...args);

const HOLD = ["small-numbers-are-small", "tokens-are-conserved", "time-never-goes-back"];
const FALL = ["no-number-exceeds-ten", "every-number-is-zero"];
const CANNOT = ["generators-can-fail", "nothing-to-speak-of"];
const SIMPLE = ["small-numbers-are-small", "no-number-exceeds-ten"];

/** What a check says but for how long it took. */
function verdictsOf({ stdout }: Ran): unknown {
  return JSON.parse(stdout, (key, value: unknown) => (key === "milliseconds" ? 0 : value));
}

// Each check starts threads, and each of them loads all that laws need.
describe("in workers", { timeout: 120_000 }, () => {
  test.each([20_261_123, -7])("with seed %i one worker or many find the same", async (seed) => {
    const laws = ["--law", [...HOLD, ...FALL, ...CANNOT].join(",")];
    const run = async (jobs: number): Promise<Ran> =>
      check(...laws, "--json", "--seed", `${seed}`, "--factor", "0.2", "--jobs", `${jobs}`);
    const alone = await run(1);
    expect(alone.code).toBe(1);
    expect(verdictsOf(alone)).toMatchObject({ laws: { length: 7 } });
    for (const jobs of [2, 4]) {
      const together = await run(jobs);
      expect(together).toMatchObject({ code: 1, stderr: "" });
      expect(verdictsOf(together)).toEqual(verdictsOf(alone));
    }
  });

  test("lines come in the order of the laws, whichever ends first", async () => {
    const laws = ["--law", [...HOLD, ...FALL].join(",")];
    const namesOf = ({ stdout }: Ran): readonly string[] =>
      [...stdout.matchAll(/^(?:holds|FELL ) +(?:sim\/order +)?([a-z-]+),/gm)].map(
        ([, name]) => name ?? "",
      );
    const expected = statedLaws().flatMap(({ name }) =>
      [...HOLD, ...FALL].includes(name) ? [name] : [],
    );
    expect(namesOf(await check(...laws, "--jobs", "2", "--factor", "0.2"))).toEqual(expected);
  });

  test.each([
    ["whoever-checks-this-ends", "its worker ended"],
    ["memory-is-endless", "memory"],
  ])("where a worker ends, %s has fallen and the others are checked", async (name, message) => {
    const laws = ["--law", [name, ...SIMPLE].join(",")];
    const { code, stdout } = await check(...laws, "--jobs", "2", "--seed", "5");
    expect(code).toBe(1);
    expect(stdout).toContain("2 of 3 laws fell");
    expect(stdout).toMatch(new RegExp(`saw     the check itself failed: .*${message}`));
    expect(stdout).toContain(`repeat  kvmsim check --law ${name} --seed 5\n`);
    expect(stdout).toMatch(/^holds +small-numbers-are-small, /m);
  });

  test("where workers cannot begin, no law has been checked", async () => {
    const nowhere = { lawWorker: pathToFileURL(folder.at("nothing.js")) };
    const laws = ["--law", HOLD.join(","), "--jobs", "2"];
    const { code, stdout } = await kvmsimWith(nowhere, "check", ...laws);
    expect(code).toBe(1);
    expect(stdout).toContain("3 of 3 laws fell: 0 cases");
    expect(stdout).toContain("nothing.js");
  });

  test("on a terminal a bar is drawn of what workers tell", async () => {
    const laws = ["--law", SIMPLE.join(","), "--jobs", "2"];
    const { stdout } = await kvmsimOnTerminalWith({ lawWorker }, "check", ...laws);
    expect(stdout).toContain("░ 0%");
    expect(stdout).toMatch(/% [a-z-]+-/);
  });
});

test.each(["0", "65", "-1", "two"])("refuses --jobs %s", async (jobs) => {
  const { code, stderr } = await check("--jobs", jobs);
  expect(stderr).toMatch(/^kvmsim: --jobs .*: expected (1 to 64|a whole number)\n$/);
  expect(code).toBe(2);
});

test("what is begun first are laws", () => {
  const names = statedLaws().map(({ name }) => name);
  expect(LONGEST.filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(LONGEST).size).toBe(LONGEST.length);
});
