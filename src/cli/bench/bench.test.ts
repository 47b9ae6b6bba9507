/** The arithmetic of benchmarks, and that each of them measures something. */

import { expect, test } from "vitest";
import { kvmsim } from "../../../properties/support/command.ts";
import { figure, isMet, latencies } from "./figures.ts";

test("a figure is the median of its samples with the least and the greatest", () => {
  expect(figure("f", "s", [5, 1, 9, 3, 7])).toMatchObject({ median: 5, least: 1, greatest: 9 });
  expect(figure("f", "s", [4, 2])).toMatchObject({ median: 2, samples: 2 });
});

test("a latency is its median and the value that 95 of 100 do not exceed", () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
  const [median, most] = latencies("l", samples, { relation: "below", value: 51 });
  expect(median).toMatchObject({ what: "l: median", median: 50 });
  expect(most).toMatchObject({ what: "l: 95 of 100", median: 95, bar: null });
  expect(median && isMet(median)).toBe(true);
});

test("a bar is met from one side only", () => {
  const at = (median: number, relation: "at least" | "below"): boolean | null =>
    isMet(figure("f", "s", [median], { relation, value: 10 }));
  expect([at(9, "at least"), at(10, "at least"), at(11, "at least")]).toEqual([false, true, true]);
  expect([at(9, "below"), at(10, "below"), at(11, "below")]).toEqual([true, false, false]);
  expect(isMet(figure("f", "s", [1]))).toBe(null);
});

test("the benchmark of the kernel measures every thing, as a table and as JSON", async () => {
  const { code, stdout } = await kvmsim("bench", "sim", "--seconds", "0.02");
  expect(code).toBe(0);
  for (const what of ["100,000 events waiting", "restore", "fork", "seek back", "first fork"]) {
    expect(stdout).toContain(what);
  }
  expect(stdout).toMatch(/at least 2,000,000 │ (yes|NO) /);
  expect(stdout).toContain(process.version);
  const json = await kvmsim("bench", "sim", "--seconds", "0.01", "--json");
  const { figures } = JSON.parse(json.stdout) as { figures: { median: number; met: unknown }[] };
  expect(figures.length).toBeGreaterThan(10);
  expect(figures.every(({ median }) => median > 0)).toBe(true);
});

test("the benchmark of the CPU measures kernels, code never seen and fresh machines", async () => {
  const { code, stdout } = await kvmsim("bench", "cpu", "--seconds", "0.01", "--json");
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout) as { figures: { what: string; median: number }[] };
  const names = figures.map(({ what }) => what).join("\n");
  for (const what of ["kernel sieve", "never-seen code", "fresh machines, 1000 instructions"]) {
    expect(names).toContain(what);
  }
  expect(figures.every(({ median }) => median > 0)).toBe(true);
});

test.each(["vmx", "svm"])(
  "the benchmark of %s measures round trips, and guests beside the bare machine",
  async (name) => {
    const { code, stdout } = await kvmsim("bench", name, "--seconds", "0.01", "--json");
    expect(code).toBe(0);
    const { figures } = JSON.parse(stdout) as { figures: { what: string; median: number }[] };
    expect(figures[0]?.what).toBe("round trips of entry and exit");
    expect(figures.map(({ what }) => what)).toContain("kernel sieve in a guest");
    expect(figures.every(({ median }) => median > 0)).toBe(true);
  },
);

test("the benchmark of KVM measures exits, guests, fresh hosts and many guests", async () => {
  const { code, stdout } = await kvmsim("bench", "kvm", "--seconds", "0.01", "--json");
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout) as { figures: { what: string; median: number }[] };
  const names = figures.map(({ what }) => what).join("\n");
  for (const what of [
    "exits for CPUID",
    "kernel sieve",
    "fresh hosts",
    "memory of the process with 1000",
  ])
    expect(names).toContain(`amd: ${what}`);
});

test("the benchmark of the scheduler measures few threads and many", async () => {
  const { code, stdout } = await kvmsim("bench", "sched", "--seconds", "0.01", "--json");
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout) as { figures: { what: string; median: number }[] };
  expect(figures.map(({ what }) => what).join("\n")).toContain("10000 threads that can run");
  expect(figures.every(({ median }) => median > 0)).toBe(true);
});

test("the benchmark of policies measures loading and decisions", async () => {
  const { code, stdout } = await kvmsim("bench", "selinux", "--seconds", "0.01", "--json");
  expect(code).toBe(0);
  const { figures } = JSON.parse(stdout) as { figures: { what: string; median: number }[] };
  expect(figures.map(({ what }) => what).join("\n")).toMatch(/load: .*\ndecisions: /s);
  expect(figures.every(({ median }) => median > 0)).toBe(true);
});
