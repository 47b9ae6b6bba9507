/** The command line as a whole: help, version, usage errors, exit codes. */

import { expect, test } from "vitest";
import { blueprintOf, worldNames } from "../api/index.ts";
import { main } from "./kvmsim.ts";
import { kvmsim } from "../../properties/support/command.ts";

test("prints its version", async () => {
  const { code, stdout } = await kvmsim("--version");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^kvmsim \d+\.\d+\.\d+\n$/);
});

test("prints help with examples, also of each command", async () => {
  const whole = await kvmsim("--help");
  expect(whole.code).toBe(0);
  expect(whole.stdout).toContain("kvmsim replay a.rec");
  for (const command of ["check", "run", "replay", "diff", "bench"]) {
    expect(whole.stdout).toContain(`\n  ${command} `);
    const one = await kvmsim(command, "--help");
    expect(one.code).toBe(0);
    expect(one.stdout).toContain(`Usage: kvmsim ${command}`);
  }
  expect((await kvmsim("diff", "--help")).stdout).toContain("bisected");
});

test("says what there is when no command is given", async () => {
  const { code, stdout, stderr } = await kvmsim();
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Commands:");
});

test.each([
  [["frobnicate"], "unknown command 'frobnicate'"],
  [["check", "--sed", "1"], "unknown option '--sed' (Did you mean --seed?)"],
  [["run"], "missing required argument 'world'"],
  [["replay"], "missing required argument 'file'"],
  [["diff", "a"], "missing required argument 'b'"],
  [["run", "tokens", "--until"], "option '--until <cycles>' argument missing"],
  [["run", "nowhere"], `world nowhere: unknown; there is ${worldNames.join(", ")}`],
  [
    ["run", "a\u001B[31m\nb"],
    "world a\\x1b[31m b: unknown; there is host, lan, machine, share, tokens",
  ],
  [
    ["bench", "nothing"],
    "benchmark nothing: unknown; there is cpu, kvm, machine, sched, selinux, share, sim, svm, vmx",
  ],
  [["bench", "sim", "--seconds", "0"], "--seconds 0: expected a number above 0, up to 600"],
])("%j is bad usage", async (args, message) => {
  const { code, stdout, stderr } = await kvmsim(...args);
  expect(stderr).toBe(`kvmsim: ${message}\n`);
  expect(stdout).toBe("");
  expect(code).toBe(2);
});

test("tells a mistake of its own from one of the user", async () => {
  let stderr = "";
  const broken = {
    write() {
      throw new TypeError("nothing can be written");
    },
    terminal: null,
  };
  const io = {
    stdout: broken,
    stderr: { write: (text: string) => void (stderr += text), terminal: null },
    env: {},
  };
  expect(await main(["check", "--list"], io)).toBe(70);
  expect(stderr).toMatch(/^kvmsim: internal error: TypeError: nothing can be written\n +at /);
  expect(stderr).toContain("report");
});

test("every world can be made by its name", () => {
  for (const name of worldNames) expect(blueprintOf(name).name).toBe(name);
});
