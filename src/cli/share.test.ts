/** `kvmsim share`: what it prints, and what it refuses. */

import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { kvmsim, temporaryFolder } from "../../properties/support/command.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Shares {
  readonly digest: string;
  readonly shares: readonly {
    readonly workload: string;
    readonly cpu: { readonly promised: number; readonly received: number; readonly bound: number };
    readonly network: { readonly received: number };
  }[];
}

async function sharesOf(...args: string[]): Promise<Shares> {
  const { code, stdout, stderr } = await kvmsim("share", "--json", ...args);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Shares;
}

test("prints a row and a bar for each guest", async () => {
  const { code, stdout } = await kvmsim("share", "--guests", "4", "--until", "4ms");
  expect(code).toBe(0);
  expect(stdout).toMatch(/│ guest0 +│ compute +│ +100 │/);
  expect(stdout).toMatch(/│ guest3 +│ service +│ +100 │/);
  expect(stdout).toMatch(/^guest0 .*\|.* [\d.]+ %$/m);
  expect(stdout).toMatch(/digest [0-9a-f]{32}/);
});

test("guests that compute get what their weights say", async () => {
  const args = ["--guests", "3", "--workloads", "compute", "--weights", "100,200,300"];
  const { shares } = await sharesOf(...args, "--cpus", "1", "--until", "300ms");
  for (const { cpu } of shares) expect(Math.abs(cpu.received - cpu.promised)).toBeLessThan(0.03);
});

test("no guest passes its limit", async () => {
  const args = ["--guests", "2", "--workloads", "compute", "--cpu-max", "20000", "--cpus", "2"];
  const { shares } = await sharesOf(...args, "--until", "300ms");
  for (const { cpu } of shares) {
    expect(cpu.bound).toBe(0.2);
    expect(cpu.received).toBeLessThan(0.22);
    expect(cpu.received).toBeGreaterThan(0.18);
  }
});

test("the same seed gives the same digest", async () => {
  const args = ["--guests", "5", "--until", "3ms", "--seed", "a"];
  expect((await sharesOf(...args)).digest).toBe((await sharesOf(...args)).digest);
});

test("writes a trace of who ran where", async () => {
  const file = folder.at("share.trace.json");
  await sharesOf("--guests", "2", "--until", "5ms", "--trace", file);
  const events = JSON.parse(readFileSync(file, "utf8")) as { name: string; ph: string }[];
  expect(events.some(({ ph, name }) => ph === "X" && name.includes("guest0"))).toBe(true);
});

test.each([
  [["--guests", "0"], "share: guests are 1 to 4000"],
  [["--guests", "x"], "--guests x: expected a whole number"],
  [["--workloads", "dance"], "workload dance: unknown; there is compute, memory"],
  [["--workloads", ","], "--workloads ,: expected words with commas between them"],
  [["--weights", "0"], "share: guest 0: weight is a whole number from 1 to 1000, not 0"],
  [["--host", "arm"], 'share: host is intel or amd, not "arm"'],
  [["--cpus", "65"], "share: cpus is a whole number from 1 to 64, not 65"],
  [["--memory-max", "1"], "guest0.memory: ENOMEM for what the guest is started with"],
])("share %j is refused", async (args, message) => {
  const { code, stderr } = await kvmsim("share", "--until", "1ms", ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(`kvmsim: ${message}`);
  expect(stderr.trim()).not.toContain("\n");
});
