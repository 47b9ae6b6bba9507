/** The native oracle's driver: isolation of cases, refusals, malformed input. */

import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { describeCpu, findOracle, type Oracle, refusal, runNative } from "./native.ts";
import { encodeCases, NativeOracleError } from "./records.ts";
import { AC, caseOf, DATA, DF, NT, RAX, RCX, RDX, RSI, RSP, runner, sseState } from "./testing.ts";

function withOracle(oracle: Oracle): void {
  const run = runner(oracle);
  describe("the oracle", () => {
    test("the last case does not show in the next", () => {
      const plain = caseOf([0x48, 0x01, 0xc8], { [RAX]: 3n, [RCX]: 4n });
      const [alone] = runNative(oracle, [plain]);
      const nasty = [
        caseOf([0x90], {}, { rflags: 0x202n | AC | NT | DF | 0x20_0000n }),
        caseOf([0x48, 0x89, 0x06], { [RSI]: DATA, [RAX]: 5n }),
        caseOf([0x8e, 0xd8], { [RAX]: 0n }),
        caseOf([0x8e, 0xe0], { [RAX]: 0n }, { fsBase: 5n, gsBase: 6n }),
        caseOf([0x0f, 0x0b], {}, { fx: sseState(1, 2, 0x0000) }),
        caseOf([0x40], {}, { mode: 32 }),
        caseOf([0x48], {}, { codeOffset: 4095 }),
        caseOf([0x9d], { [RSP]: DATA - 8n }, { rflags: 0x202n | AC }),
      ];
      const results = runNative(
        oracle,
        nasty.flatMap((before) => [before, plain]),
      );
      for (let i = 1; i < results.length; i += 2) expect(results[i]).toEqual(alone);
    });

    test("system calls in a run are refused, whatever the way in", () => {
      const more = { maxSteps: 3 };
      expect(run([0x90, 0x0f, 0x05], {}, more).outcome).toBe("refused");
      expect(run([0x90, 0xcd, 0x80], {}, more).outcome).not.toBe("completed");
      expect(run([0x90, 0xcd, 0x80], {}, { ...more, mode: 32 }).outcome).not.toBe("completed");
      expect(run([0x90, 0x0f, 0x34], {}, { ...more, mode: 32 }).outcome).not.toBe("completed");
      expect(run([0x90], { [RDX]: 9n }).gpr[RDX]).toBe(9n);
    });

    test("a large batch keeps its order", () => {
      const cases = Array.from({ length: 25_000 }, (_, i) =>
        caseOf([0xff, 0xc0], { [RAX]: BigInt(i) }),
      );
      const results = runNative(oracle, cases);
      expect(results.length).toBe(cases.length);
      expect(results.every((result, i) => result.gpr[RAX] === BigInt(i + 1))).toBe(true);
    });

    const complaintAbout = (input: Uint8Array): { status: number | null; said: string } => {
      const { status, stderr } = spawnSync(oracle.program, [], { input });
      return { status, said: stderr.toString("utf8") };
    };

    test.each<[string, Uint8Array, RegExp]>([
      ["no stream", Uint8Array.from([1, 2, 3]), /does not begin as a stream of cases/],
      ["another version", Uint8Array.from([...Buffer.from("KVOC"), 9, 0, 0, 0]), /version 9/],
      ["a cut record", encodeCases([caseOf([0x90])]).slice(0, -1), /case 1: the input ends within/],
      [
        "a reserved bit of MXCSR",
        encodeCases([caseOf([0x90]), caseOf([0x90], {}, { fx: sseState(0, 0, 0x1_0000) })]),
        /case 2: MXCSR 0x10000/,
      ],
      [
        "a patch outside",
        encodeCases([
          caseOf([0x90], {}, { patches: [{ address: 0x1000, bytes: new Uint8Array(4) }] }),
        ]),
        /case 1: patch 0, 4 bytes at 0x1000/,
      ],
      ["no code", encodeCases([caseOf([])]), /0 bytes of code/],
      [
        "too much code",
        encodeCases([caseOf([0x90, 0x90], {}, { codeOffset: 4095 })]),
        /do not fit/,
      ],
      ["IOPL", encodeCases([caseOf([0x90], {}, { rflags: 0x3202n })]), /RFLAGS 0x3202/],
      [
        "a base",
        encodeCases([caseOf([0x90], {}, { fsBase: 1n << 47n })]),
        /not a canonical address/,
      ],
      ["no step", encodeCases([caseOf([0x90], {}, { maxSteps: 0 })]), /allows no step/],
    ])("malformed input is told apart: %s", (_what, input, expected) => {
      const { status, said } = complaintAbout(input);
      expect(status).toBe(2);
      expect(said).toMatch(expected);
      expect(said.trim().split("\n")).toHaveLength(1);
    });

    test("malformed input reaches the caller as an error", () => {
      expect(() => run([])).toThrow(NativeOracleError);
    });

    test("the CPU is described", () => {
      const cpu = describeCpu(oracle);
      expect(cpu.vendor).toHaveLength(12);
      expect(cpu.family).toBeGreaterThan(5);
      expect(cpu.leaves.map(({ leaf }) => leaf)).toContain(1);
    });
  });
}

function withoutOracle(reason: string): void {
  test("says why it cannot serve", () => {
    expect(reason).toMatch(/gcc not found|needs x64 linux|cannot run here/);
  });
}

const found = findOracle();
if (found.kind === "ready") withOracle(found);
else withoutOracle(found.reason);

test("a missing compiler is told clearly", () => {
  const missing = findOracle({ compiler: "no-such-gcc" });
  expect(missing).toMatchObject({
    kind: "unavailable",
    reason: expect.stringMatching(/^no-such-gcc not found|needs x64 linux/),
  });
});

test.each<[string, readonly number[], 64 | 32]>([
  ["SYSCALL", [0x0f, 0x05], 64],
  ["SYSCALL behind prefixes", [0x66, 0x48, 0x0f, 0x05], 64],
  ["SYSENTER", [0x0f, 0x34], 32],
  ["INT 80h", [0xcd, 0x80], 64],
  ["CPUID", [0x0f, 0xa2], 64],
  ["VMMCALL", [0x0f, 0x01, 0xd9], 64],
  ["SGDT", [0x0f, 0x01, 0x00], 64],
  ["SMSW EAX", [0x0f, 0x01, 0xe0], 64],
  ["RDRAND", [0x0f, 0xc7, 0xf0], 64],
])("%s is refused", (_name, code, mode) => {
  expect(refusal(Uint8Array.from(code), mode)).toBeTypeOf("string");
});

test.each<[string, readonly number[], 64 | 32]>([
  ["ADD", [0x48, 0x01, 0xc8], 64],
  ["INT 20h", [0xcd, 0x20], 64],
  ["XGETBV", [0x0f, 0x01, 0xd0], 64],
  ["CMPXCHG16B", [0x48, 0x0f, 0xc7, 0x0e], 64],
  ["DEC EAX, a prefix in the other mode", [0x48, 0x0f, 0x05], 32],
])("%s is not refused", (_name, code, mode) => {
  expect(refusal(Uint8Array.from(code), mode)).toBeUndefined();
});
