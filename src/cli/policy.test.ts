/** `kvmsim policy`: what it prints, and what it refuses. */

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../../properties/support/command.ts";
import type { Input, Io } from "./io.ts";
import { main } from "./kvmsim.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const SVIRT = "policies/svirt.cil";
const GUEST = "system_u:system_r:svirt_t:s0:c1,c2";
const image = (categories: string): string => `system_u:object_r:svirt_image_t:s0:${categories}`;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kvmsim policy` with this on its standard input. */
async function policy(args: readonly string[], typed = ""): Promise<Ran> {
  const seen = { stdout: "", stderr: "" };
  const stdin: Input = {
    isTerminal: false,
    listen: () => () => {},
    readAll: () => Promise.resolve(typed),
  };
  const io: Io = {
    stdin,
    stdout: { write: (text) => void (seen.stdout += text), terminal: null },
    stderr: { write: (text) => void (seen.stderr += text), terminal: null },
    env: {},
  };
  const code = await main(["policy", ...args], io);
  return { code, ...seen };
}

test("load says what the kernel asks about and the policy does not define", async () => {
  const { code, stdout } = await policy(["load", SVIRT]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^policies\/svirt.cil: version 33, with MLS\n/);
  expect(stdout).toContain("Class user_namespace not defined in policy.");
  expect(stdout).toContain("What is not defined is allowed.");
});

test("info counts as seinfo does", async () => {
  const { stdout } = await policy(["info", "--json", SVIRT]);
  const { counts, mls } = JSON.parse(stdout) as { counts: Record<string, number>; mls: boolean };
  expect(mls).toBe(true);
  expect(counts["Categories"]).toBe(1024);
  expect((await policy(["info", SVIRT])).stdout).toMatch(/│ Categories +│ 1,024 +│/);
});

test("decide answers a line for each query, and passes over comments", async () => {
  const queries = [
    "# a guest and its image",
    `${GUEST} ${image("c1,c2")} file read,write`,
    "",
    `${GUEST} ${image("c1,c3")} file read,getattr`,
  ];
  const { code, stdout } = await policy(["decide", SVIRT], queries.join("\n"));
  expect(code).toBe(0);
  const [own, other] = stdout.split("\n");
  expect(own).toBe("allowed");
  expect(other).toMatch(/^denied \{ read/);
});

test("explain reads audit records, and names the constraint", async () => {
  const record = `type=1400 audit(1.000:1): avc:  denied  { read } for  pid=1 comm="qemu" scontext=${GUEST} tcontext=${image("c1,c3")} tclass=file permissive=0`;
  const { stdout } = await policy(["explain", SVIRT], record);
  expect(stdout).toContain("read is denied");
  expect(stdout).toMatch(/a rule allows it: \(allow svirt_domain svirt_image_t \(file \(.*read/);
  expect(stdout).toMatch(/denied by \(mlsconstrain \(file \(.*\(dom h1 h2\)/);
});

test("what compile writes decides alike", async () => {
  const binary = folder.at("svirt.33");
  const { code, stdout } = await policy(["compile", SVIRT, "--output", binary]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/svirt\.33: [\d,]+ bytes, version 33/);
  const query = `${GUEST} ${image("c1,c3")} file read,write,getattr,map,relabelto`;
  const answers = [SVIRT, binary].map((file) => policy(["decide", file], query));
  const [text, compiled] = await Promise.all(answers);
  expect(compiled).toEqual(text);
});

test("a wrong line is named, and nothing is answered", async () => {
  const good = `${GUEST} ${image("c1,c2")} file read`;
  for (const [line, what] of [
    ["one two", "expected: source-context target-context class permissions"],
    [`${GUEST} ${GUEST} file fly`, "the class file has no permission fly"],
    [`${GUEST} ${GUEST} castle read`, "the policy has no class castle"],
    ["a:b:c:s0 a:b:c:s0 file read", "the policy has no context a:b:c:s0"],
    ["avc: denied { read } for scontext=a tclass=file", "the record lacks"],
  ] as const) {
    const { code, stdout, stderr } = await policy(["decide", SVIRT], `${good}\n${line}\n`);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`kvmsim: standard input: line 2: ${what}`);
  }
});

test("a damaged file gets one line", async () => {
  const binary = folder.at("whole.33");
  await policy(["compile", SVIRT, "--output", binary]);
  const bytes = readFileSync(binary);
  const half = folder.at("half.33");
  writeFileSync(half, bytes.subarray(0, bytes.length / 2));
  const { code, stderr } = await policy(["info", half]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^kvmsim: .*half\.33: offset \d+: .*\n$/);
});
