/** `kvmsim replay` and `kvmsim diff`: recordings repeated, compared, and refused. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Blueprint, DEFAULT_TOKENS, tokens, type TokensConfig, World } from "../api/index.ts";
import { recordToFile } from "../api/node.ts";
import { kvmsim, type Ran, temporaryFolder } from "../../properties/support/command.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const PROGRAM = { LOAD: 0, ADD: 1, LOCKED_ADD: 3, ROUND: 4, REST: 5 } as const;
const { LOAD, ADD, LOCKED_ADD, ROUND, REST } = PROGRAM;

async function record(name: string, ...args: string[]): Promise<string> {
  const recorded = folder.at(name);
  const common = ["--until", "100us", "--epoch", "10us", "--record", recorded];
  const { code, stderr } = await kvmsim("run", "tokens", ...common, ...args);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return recorded;
}

/** Records what another program would have made of the same set-up. */
function recordWith(
  blueprint: Partial<Blueprint<TokensConfig>>,
  name: string,
  epochCycles = 10_000,
  insertAt = 60_000,
): string {
  const other: Blueprint<TokensConfig> = { ...tokens, ...blueprint };
  const world = World.create(other, { config: DEFAULT_TOKENS, epochCycles });
  const recording = recordToFile(world, folder.at(name), []);
  world.runUntil(insertAt);
  world.input("ring", "insert", 1);
  world.runUntil(100_000);
  recording.close();
  return folder.at(name);
}

const withOneMore: Partial<Blueprint<TokensConfig>> = {
  start(world, config) {
    tokens.start(world, config);
    world.post(34_567, "ring", "insert", 0);
  },
};

function program(name: string, ...ops: number[]): string {
  writeFileSync(folder.at(name), Uint8Array.from(ops));
  return folder.at(name);
}

function changed(recording: string, change: (bytes: Buffer) => Uint8Array): string {
  writeFileSync(folder.at("changed.rec"), change(readFileSync(recording)));
  return folder.at("changed.rec");
}

const refusal = (message: string): Ran => ({
  code: 2,
  stdout: "",
  stderr: `kvmsim: ${message}\n`,
});

let [plain, same, longer, input, atEnd] = ["", "", "", "", ""];

beforeAll(async () => {
  plain = await record("plain.rec");
  same = await record("same.rec");
  longer = await record("longer.rec", "--until", "150us");
  input = await record("input.rec", "--input", "33us:ring:insert:2");
  atEnd = await record("at-end.rec", "--input", "100us:ring:insert:2");
});

// Replay

test("a replay is the recorded run", async () => {
  for (const recording of [plain, input, atEnd, recordWith({}, "other.rec", 0)]) {
    const { code, stdout } = await kvmsim("replay", recording);
    expect(stdout).toContain("The replay is the recorded run: the digests of");
    expect(code).toBe(0);
  }
});

test("a replay can stop before the end, and be traced", async () => {
  const trace = folder.at("trace.jsonl");
  const { code, stdout } = await kvmsim(
    "replay",
    input,
    "--to",
    "35us",
    "--trace",
    trace,
    "--json",
  );
  expect(code).toBe(0);
  const outcome = JSON.parse(stdout) as { events: number };
  expect(outcome).toMatchObject({ agrees: true, whole: false, epochs: 3, timeCycles: 35_000 });
  const lines = readFileSync(trace, "utf8");
  expect(lines.match(/\n/g)).toHaveLength(outcome.events);
  expect(lines.match(/world\.input/g)).toHaveLength(1);
  const text = await kvmsim("replay", input, "--to", "35us");
  expect(text.stdout).toContain(
    "The replay is the recorded run up to here: the digests of 3 epochs",
  );
  expect(await kvmsim("replay", input, "--to", "1s")).toEqual(
    refusal("--to 1s: the recording ends at 0.000100000 s"),
  );
});

test("a replay that leaves the recording names the first epoch", async () => {
  const left = recordWith(withOneMore, "left.rec");
  const { code, stdout } = await kvmsim("replay", left);
  expect(code).toBe(1);
  // The additional event is in the queue from the start.
  expect(stdout).toMatch(
    /leaves the recording in epoch 1, 0\.0{9} s to 0\.000010000 s: the digest is [0-9a-f]{32}, recorded is/,
  );
  const json = await kvmsim("replay", left, "--json");
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ agrees: false, epoch: 1 });
});

test("without digests, a replay is seen to differ by its inputs or its end", async () => {
  const byInput = await kvmsim("replay", recordWith(withOneMore, "by-input.rec", 0));
  expect(byInput.stdout).toMatch(/in epoch 1: the input recorded for time 60000 does not fit/);
  expect(byInput.code).toBe(1);
  const early = recordWith(withOneMore, "by-end.rec", 0, 0);
  const byEnd = await kvmsim("replay", early);
  expect(byEnd.stdout).toMatch(/at its end, 0\.000100000 s: [\d,]+ decisions, recorded are \d+/);
  expect(byEnd.code).toBe(1);
});

test.each([0, 1, 32, 100, 400, -200, -1])("a recording cut at %i is refused", async (at) => {
  const cut = changed(plain, (bytes) => bytes.subarray(0, at < 0 ? bytes.length + at : at));
  const { code, stderr } = await kvmsim("replay", cut);
  expect(stderr).toMatch(
    /^kvmsim: [^\n]*changed\.rec: (truncated|damaged|not a kvmsim rec)[^\n]*\n$/,
  );
  expect(code).toBe(2);
});

test("a recording cut in its third line is called truncated there", async () => {
  const cut = changed(plain, (bytes) => {
    const third = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
    return bytes.subarray(0, third + 5);
  });
  expect(await kvmsim("replay", cut)).toEqual(refusal(`${cut}: truncated in line 3`));
});

test("damaged recordings, other versions and other files are refused", async () => {
  const damaged = changed(plain, (bytes) =>
    Buffer.concat([bytes.subarray(0, -9), bytes.subarray(-8)]),
  );
  expect(await kvmsim("replay", damaged)).toEqual(
    refusal(`${damaged}: damaged: the checksum of line 12 does not match`),
  );
  const text = readFileSync(plain, "utf8");
  const later = changed(plain, () => Buffer.from(text.replace('"version":1', '"version":77')));
  expect(await kvmsim("replay", later)).toEqual(
    refusal(`${later}: recording format version 77; this program reads version 1`),
  );
  const other = changed(plain, () => Buffer.from("#!/bin/sh\n"));
  expect(await kvmsim("replay", other)).toEqual(refusal(`${other}: not a kvmsim recording`));
  expect(await kvmsim("replay", folder.at("none"))).toEqual(
    refusal(`${folder.at("none")}: no such file or folder`),
  );
});

test("recordings of worlds that this program does not have are refused", async () => {
  const newer = recordWith({ version: 9 }, "newer.rec");
  expect(await kvmsim("replay", newer)).toEqual(
    refusal(
      `${newer}: the recording is of version 9 of tokens; this program has version ${tokens.version}`,
    ),
  );
  const foreign = recordWith({ name: "coins" }, "foreign.rec");
  expect(await kvmsim("replay", foreign)).toEqual(
    refusal(`${foreign}: world coins: unknown; there is host, lan, machine, share, tokens`),
  );
});

test("a recording gets exactly the images that it was made with", async () => {
  const right = program("right.bin", LOCKED_ADD, ROUND, REST);
  const wrong = program("wrong.bin", LOCKED_ADD, REST);
  const made = ["--set", "adding=image", "--image", `program=${right}`];
  const recording = await record("image.rec", ...made);
  const good = await kvmsim("replay", recording, "--image", `program=${right}`);
  expect(good.code).toBe(0);
  const missing = await kvmsim("replay", recording);
  expect(missing.stderr).toMatch(
    /^kvmsim: \S+image\.rec: image program: not given; the recording needs it \(SHA-256 [0-9a-f]{64}\)\n$/,
  );
  const other = await kvmsim("replay", recording, "--image", `program=${wrong}`);
  expect(other.stderr).toMatch(
    /^kvmsim: \S+image\.rec: image program: SHA-256 is [0-9a-f]{64}; the recording needs [0-9a-f]{64}\n$/,
  );
  expect([missing.code, other.code]).toEqual([2, 2]);
  expect(await kvmsim("replay", plain, "--image", `program=${right}`)).toEqual(
    refusal("--image program: the recording needs none"),
  );
});

// Diff

test("equal runs agree, also to the end of the shorter one", async () => {
  const agree = await kvmsim("diff", plain, same);
  expect(agree).toEqual({
    code: 0,
    stdout: "The runs agree to their end, cycle 100000 (0.000100000 s).\n",
    stderr: "",
  });
  const shorter = await kvmsim("diff", longer, plain);
  expect(shorter.code).toBe(0);
  expect(shorter.stdout).toContain(`to the end of the shorter one, ${plain}, cycle 100000`);
});

test("the first differing event is shown with both sides", async () => {
  const { code, stdout } = await kvmsim("diff", plain, input);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^The runs part at event \d+, cycle 33000 \(0\.000033000 s\), in time:/);
  expect(stdout).toMatch(/input\.rec +│ 33000 +│ 33000 world world\.input target="ring"/);
  const json = await kvmsim("diff", plain, input, "--json");
  expect(json.code).toBe(1);
  const right = {
    number: 0,
    time: 33_000,
    source: "world",
    type: "world.input",
    fields: { target: "ring", kind: "insert", payload: "2" },
  };
  const { setups, divergence } = JSON.parse(json.stdout) as {
    setups: object[];
    divergence: { field: string; number: number; right: object };
  };
  expect(setups).toEqual([]);
  expect(divergence.field).toBe("time");
  expect(divergence.right).toEqual({ ...right, number: divergence.number });
});

test("an input at the very end is found, too", async () => {
  const { code, stdout } = await kvmsim("diff", plain, atEnd);
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^The runs part at event \d+, cycle 100000 .*: only \S+at-end\.rec has it:/,
  );
});

test("what differs in the set-ups is said first", async () => {
  const other = await record("other-setup.rec", "--seed", "2", "--set", "tokens=3");
  const { code, stdout } = await kvmsim("diff", plain, other);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^The set-ups differ:\n/);
  expect(stdout).toMatch(/│ config\.tokens +│ 8 +│ 3 +│/);
  expect(stdout).toMatch(/│ seed +│ 0 +│ 2 +│/);
  expect(stdout).not.toContain("config.cpus");
});

test("runs of two images differ in state where no event tells", async () => {
  const [one, two] = [
    program("one.bin", LOAD, ADD, LOAD, REST),
    program("two.bin", LOAD, LOAD, ADD, REST),
  ];
  const recordProgram = (name: string, file: string): Promise<string> =>
    record(name, "--set", "adding=image", "--set", "cpus=1", "--image", `program=${file}`);
  const [left, right] = [await recordProgram("one.rec", one), await recordProgram("two.rec", two)];
  const images = ["--image", `program=${one}`, "--image", `program=${two}`];
  const { code, stdout, stderr } = await kvmsim("diff", left, right, ...images);
  expect(stderr).toBe("");
  expect(code).toBe(1);
  expect(stdout).toContain("image program");
  expect(stdout).toMatch(/No event differs, but the states do, first at cycle \d+ .*, in cpu0\./);
  const json = await kvmsim("diff", left, right, ...images, "--json");
  expect(JSON.parse(json.stdout)).toMatchObject({ divergence: { what: "state" } });
});

test("recordings that cannot be compared are refused", async () => {
  const otherEpochs = await record("other-epochs.rec", "--epoch", "5us");
  expect(await kvmsim("diff", plain, otherEpochs)).toEqual(
    refusal(
      `${plain} and ${otherEpochs} cannot be compared: their epochs are 10000 and 5000 cycles long`,
    ),
  );
  const none = await record("none.rec", "--epoch", "0");
  expect(await kvmsim("diff", none, none)).toEqual(
    refusal(
      `${none} and ${none} cannot be compared: they were recorded without digests (--epoch 0)`,
    ),
  );
  const foreign = recordWith({ name: "coins" }, "foreign.rec");
  expect(await kvmsim("diff", plain, foreign)).toEqual(
    refusal(
      `${plain} and ${foreign} cannot be compared: one is of a world tokens, the other of coins`,
    ),
  );
  expect(await kvmsim("diff", plain, folder.at("none"))).toEqual(
    refusal(`${folder.at("none")}: no such file or folder`),
  );
});

test("a run that is no longer the recorded one is not compared", async () => {
  const left = recordWith(withOneMore, "left.rec");
  const { code, stdout, stderr } = await kvmsim("diff", plain, left);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/left\.rec.*: .*see kvmsim replay\n$/);
});
