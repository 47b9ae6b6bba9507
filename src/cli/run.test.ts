/** `kvmsim run`: what it prints, records and traces, and what it refuses. */

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { multiboot } from "../api/index.ts";
import { readRecording } from "../api/node.ts";
import { kvmsim, kvmsimOnTerminal, temporaryFolder } from "../../properties/support/command.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Outcome {
  readonly timeCycles: number;
  readonly decisions: number;
  readonly events: number;
  readonly epochs: number;
  readonly digest: string;
  readonly config: object;
}

async function outcomeOf(...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await kvmsim("run", "tokens", "--json", ...args);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Outcome;
}

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(folder.at(name), content);
  return folder.at(name);
}

test("prints what the run has come to", async () => {
  const { code, stdout } = await kvmsim("run", "tokens", "--until", "50us", "--seed", "abc");
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ world +│ tokens/);
  expect(stdout).toMatch(/│ seed +│ abc/);
  expect(stdout).toMatch(/│ virtual time +│ 0\.000050000 s/);
  expect(stdout).toMatch(/│ digest +│ [0-9a-f]{32}/);
});

test("the same command gives the same digest, another seed another one", async () => {
  const run = (...args: string[]): Promise<Outcome> => outcomeOf("--until", "40us", ...args);
  const first = await run();
  expect(await run()).toEqual(first);
  expect((await run("--seed", "1")).digest).not.toBe(first.digest);
  expect(first).toMatchObject({ timeCycles: 40_000, epochs: 0 });
});

test("every setting reaches the run", async () => {
  const plain = await outcomeOf("--until", "40us");
  const plan = '{"priorities":[1,3,2],"changePoints":[5],"windowCycles":500}';
  const schedule = file("s.json", plan);
  const others = await Promise.all(
    [
      ["--set", "cpus=4"],
      ["--slice", "77"],
      ["--input", "10us:ring:insert:3"],
      ["--faults", file("f.json", '[{"time":9000,"target":"ring","kind":"lose"}]')],
      ["--set", "cpus=3", "--schedule", schedule],
    ].map((args) => outcomeOf("--until", "40us", ...args)),
  );
  const digests = [plain, ...others].map(({ digest }) => digest);
  expect(new Set(digests).size).toBe(digests.length);
  expect(others[0]?.config).toMatchObject({ cpus: 4, adding: "locked" });
  expect((await outcomeOf("--until", "40us", "--epoch", "5us")).epochs).toBe(8);
});

test("writes all events as JSON lines, and for Chrome's viewer", async () => {
  const lines = folder.at("t.jsonl");
  const { events } = await outcomeOf("--until", "20us", "--trace", lines);
  const written = readFileSync(lines, "utf8").trimEnd().split("\n");
  expect(written).toHaveLength(events);
  expect(JSON.parse(written[0] ?? "")).toMatchObject({ number: 0, time: 0, source: "world" });
  const chrome = folder.at("t.trace.json");
  await outcomeOf("--until", "20us", "--trace", chrome);
  const entries = JSON.parse(readFileSync(chrome, "utf8")) as { ph: string }[];
  expect(entries.filter(({ ph }) => ph === "i")).toHaveLength(events);
});

test("records the set-up, the inputs in their order and the images", async () => {
  const program = file("p.bin", Uint8Array.of(3, 4, 5));
  const recorded = folder.at("r.rec");
  const image = ["--set", "adding=image", "--image", `program=${program}`];
  const given = ["20us:ring:insert:1", "5us:ring:insert", "20us:cpu0:alarm"];
  const options = given.flatMap((input) => ["--input", input]);
  await outcomeOf("--until", "30us", "--record", recorded, "--epoch", "10us", ...image, ...options);
  const { header, inputs, end } = readRecording(recorded);
  expect(header.setup.config).toMatchObject({ adding: "image" });
  expect(header.images).toMatchObject([{ name: "program", sizeBytes: 3 }]);
  expect(inputs.map(({ time, kind, payload }) => [time, kind, payload])).toEqual([
    [5000, "insert", null],
    [20_000, "insert", 1],
    [20_000, "alarm", null],
  ]);
  expect(end).toMatchObject({ time: 30_000, epochs: 3, inputs: 3 });
});

test("a file appears only when it is whole, and one that was there stays until then", async () => {
  const recorded = file("kept.rec", "what was here before");
  const before = readdirSync(path.dirname(recorded));
  const nowhere = folder.at("no-such-folder/t.jsonl");
  const { code, stderr } = await kvmsim("run", "tokens", "--record", recorded, "--trace", nowhere);
  expect(code).toBe(2);
  expect(stderr).toBe(`kvmsim: ${nowhere}: no such file or folder\n`);
  expect(readFileSync(recorded, "utf8")).toBe("what was here before");
  expect(readdirSync(path.dirname(recorded))).toEqual(before);
  await outcomeOf("--until", "1us", "--record", recorded);
  expect(readRecording(recorded).end.time).toBe(1000);
  expect(readdirSync(path.dirname(recorded))).toEqual(before);
});

test("writes through a link instead of putting a file in its place", async () => {
  symlinkSync(file("target.rec", ""), folder.at("link.rec"));
  await outcomeOf("--until", "1us", "--record", folder.at("link.rec"));
  expect(readRecording(folder.at("target.rec")).end.time).toBe(1000);
  await outcomeOf("--until", "1us", "--record", "/dev/null");
  expect(existsSync("/dev/null.part")).toBe(false);
});

test("shows virtual time and events on a terminal", async () => {
  const { code, stdout } = await kvmsimOnTerminal({}, "run", "tokens", "--until", "3ms");
  expect(code).toBe(0);
  expect(stdout).toMatch(/█.* \d+% 0\.00\d+ s, [\d,]+ events/);
});

test.each([
  [
    ["--until", "5 ms"],
    "--until 5 ms: expected cycles of 1 ns, as 5000 or 5us, 2ms, 1s, below 2^53",
  ],
  [["--until", "-1"], "--until -1: expected cycles"],
  [["--until", "9007199254740993"], "--until 9007199254740993: expected cycles"],
  [["--until", "10000000s"], "--until 10000000s: expected cycles"],
  [["--epoch", "1.5ms"], "--epoch 1.5ms: expected cycles"],
  [["--slice", "0"], "--slice 0: expected at least 1 cycle"],
  [["--set", "cpus"], "--set cpus: expected KEY=VALUE"],
  [["--set", "cpus=many"], "tokens: cpus is a whole number from 0 to 64"],
  [["--set", "nodes=0"], "tokens: nodes is a whole number from 1 to 65536"],
  [["--set", "speed=1"], "tokens: no setting is called speed"],
  [["--set", "__proto__=1"], "tokens: no setting is called __proto__"],
  [["--set", "toString=1"], "tokens: no setting is called toString"],
  [["--set", "adding=slowly"], "tokens: adding is locked, racy or image"],
  [["--set", "adding=image"], "image program: not given; expected --image program=FILE"],
  [["--image", "program"], "--image program: expected NAME=FILE"],
  [["--input", "5:ring"], "--input 5:ring: expected TIME:TARGET:KIND[:JSON]"],
  [["--input", "5:ring:insert:{"], "--input 5:ring:insert:{: what follows insert is no JSON"],
  [["--input", "soon:ring:insert"], "--input soon: expected cycles"],
  [["--input", "5:rong:insert"], "input for rong: no such component"],
  [["--input", "5:ring:insrt"], "input for ring: it does not take insrt"],
  [["--input", "5:ring:toString"], "input for ring: it does not take toString"],
  [
    ["--input", "11ms:ring:insert"],
    "--input at 11000000: lies after the end of the run at 10000000",
  ],
  [["--record", "x", "--trace", "./x"], "x: named as recording and as trace"],
])("refuses run tokens %j", async (args, message) => {
  const { code, stdout, stderr } = await kvmsim("run", "tokens", ...args);
  expect(stderr.slice(0, 8 + message.length)).toBe(`kvmsim: ${message}`);
  expect(stderr.match(/\n/g)).toHaveLength(1);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

test.each([
  ["--faults", "[", "no JSON: "],
  ["--faults", "{}", "expected a list of faults"],
  ["--faults", "[5]", "expected a fault"],
  ["--faults", '[{"time":-1,"target":"ring","kind":"lose"}]', "expected the time of a fault"],
  ["--faults", '[{"time":1,"target":"ring"}]', "expected the target and kind of a fault"],
  ["--schedule", "[]", "expected a schedule plan"],
  ["--schedule", '{"priorities":[1.5]}', "expected priorities"],
  ["--schedule", '{"priorities":[1],"changePoints":[1]}', "expected the window"],
])("refuses %s with %s, naming the file", async (option, content, message) => {
  const plan = file("plan.json", content);
  const { code, stderr } = await kvmsim("run", "tokens", option, plan);
  const start = `kvmsim: ${plan}: ${message}`;
  expect(stderr.slice(0, start.length)).toBe(start);
  expect(stderr.match(/\n/g)).toHaveLength(1);
  expect(code).toBe(2);
});

test("refuses faults that nobody suffers, and files that cannot be read", async () => {
  const plan = file("plan.json", '[{"time":1,"target":"ring","kind":"melt"}]');
  const cases = [
    [["--faults", plan], "fault 1 of 1: no component ring that suffers melt"],
    [["--faults", folder.at("none")], `${folder.at("none")}: no such file or folder`],
    [["--faults", folder.at(".")], `${folder.at(".")}: is a directory`],
    [["--record", folder.at(".")], `${folder.at(".")}: is a directory`],
    [["--image", `program=${folder.at("none")}`], `${folder.at("none")}: no such file or folder`],
    [["--image", `program=${plan}`], "--image program: the world asks for none, once each"],
  ] as const;
  for (const [args, message] of cases) {
    const { code, stderr } = await kvmsim("run", "tokens", ...args);
    expect(stderr).toBe(`kvmsim: ${message}\n`);
    expect(code).toBe(2);
  }
});

test("refuses an image that is no program of the toy CPUs, or is given twice", async () => {
  const image = (bytes: readonly number[]): string[] => [
    "--set",
    "adding=image",
    "--image",
    `program=${file(`${bytes.join("-")}.bin`, Uint8Array.from(bytes))}`,
  ];
  const bad = await kvmsim("run", "tokens", ...image([3, 9]));
  expect(bad.stderr).toBe(
    "kvmsim: image program: byte 1 is 9; expected an operation from 0 to 5\n",
  );
  const empty = await kvmsim("run", "tokens", ...image([]));
  expect(empty.stderr).toContain("image program: empty");
  const twice = await kvmsim("run", "tokens", ...image([3]), ...image([4]));
  expect(twice.stderr).toContain("--image program: the world asks for program, once each");
});

test("a host's policy comes with the package, and an administrator changes it", async () => {
  // cli; hlt
  const kernel = `kernel=${file("halt.elf", multiboot([0xfa, 0xf4]))}`;
  const guest = { boot: "multiboot", memoryBytes: 1 << 24, disks: 1 };
  const guests = `guests=${JSON.stringify([guest, guest])}`;
  const settings = ["host=amd", "cpus=1", guests, 'selinux={"policy":"svirt"}'];
  const trace = folder.at("host.jsonl");
  const recording = folder.at("host.rec");
  const disk = `disk0=${file("disk0", new Uint8Array(4096))}`;
  const images = ["--image", kernel, "--image", disk];
  const files = ["--trace", trace, "--record", recording];
  const input = ["--input", "5us:host.selinux:setenforce:false"];
  const set = settings.flatMap((setting) => ["--set", setting]);
  const args = [...files, ...images, ...input, ...set];
  const { code, stderr } = await kvmsim("run", "host", "--until", "1ms", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  expect(readFileSync(trace, "utf8")).toContain("enforcing=0 old_enforcing=1");
  const again = await kvmsim("replay", recording, ...images);
  expect([again.code, again.stderr]).toEqual([0, ""]);
});
