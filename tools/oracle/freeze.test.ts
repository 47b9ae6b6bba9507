/** What is frozen is what the CPU answers. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  type FormToFreeze,
  freeze,
  type FreezeOptions,
  vectorFileName,
  whyLeftOut,
} from "./freeze.ts";
import { makeInput } from "./inputs.ts";
import { describeCpu, findOracle, type Oracle, runNative } from "./native.ts";
import { initialSelectors, type NativeResult } from "./records.ts";
import { decodeVectors } from "./vectors.ts";

const FORMS: readonly FormToFreeze[] = [
  {
    mnemonic: "ADD",
    form: "REX.W + 01 /r",
    mode: 64,
    encodings: (seed) => ({ code: Uint8Array.of(0x48, 0x01, 0xc0 | (seed & 63)), hints: {} }),
  },
  {
    mnemonic: "ADD",
    form: "01 /r",
    mode: 32,
    // ADD [ESI], r32
    encodings: (seed) => ({
      code: Uint8Array.of(0x01, 0x06 | ((seed & 7) << 3)),
      hints: { memory: [{ base: 6, bytes: 4 }] },
    }),
  },
  {
    mnemonic: "FADD/FADDP/FIADD",
    form: "D8 C0+i",
    mode: 64,
    encodings: (seed) => ({
      code: Uint8Array.of(0xd8, 0xc0 | (seed & 7)),
      hints: { x87: "float" },
    }),
  },
  {
    mnemonic: "RDTSC",
    form: "0F 31",
    mode: 64,
    encodings: (seed) => (seed === 0 ? undefined : { code: Uint8Array.of(0x0f, 0x31), hints: {} }),
  },
  {
    // The last byte is no part of the instruction.
    mnemonic: "NOP",
    form: "90",
    mode: 64,
    encodings: (seed) => ({ code: Uint8Array.of(0x66, 0x90, seed), hints: {} }),
  },
];

const folder = mkdtempSync(join(tmpdir(), "kvmsim-freeze-"));
afterAll(() => rmSync(folder, { recursive: true }));

function withOracle(oracle: Oracle): void {
  const options: FreezeOptions = {
    oracle,
    folder,
    casesPerForm: 50,
    date: "2026-11-23",
    tool: "the test",
  };

  test("one file for each entry, and the CPU says the same again", () => {
    const report = freeze(FORMS, options);
    expect(report.files).toBe(4);
    expect(report.cases).toBe(200);
    expect(report.short).toEqual(["RDTSC 0F 31 (64-bit): 0"]);
    expect(report.leftOut).toHaveLength(199);
    expect(report.leftOut[0]).toMatch(/^RDTSC 0F 31 \(64-bit\), seed 1: RDTSC never/);

    const names = ["ADD.vec.br", "FADD_FADDP_FIADD.vec.br", "NOP.vec.br", "RDTSC.vec.br"];
    expect(readdirSync(folder).toSorted()).toEqual(names);
    let bytes = 0;
    for (const name of names) {
      const encoded = readFileSync(join(folder, name));
      bytes += encoded.length;
      const file = decodeVectors(encoded);
      expect(file.cpu).toEqual(describeCpu(oracle));
      for (const { vectors } of file.groups) {
        const again = runNative(
          oracle,
          vectors.map(({ input }) => input),
        );
        expect(again).toEqual(vectors.map(({ result }) => result));
      }
    }
    expect(report.bytes).toBe(bytes);
    // Far below the 50 bytes a case that the fixtures may take, with all the headers.
    expect(bytes / report.cases).toBeLessThan(25);
  });
}

function withoutOracle(reason: string): void {
  test("nothing can be frozen without the oracle", () => {
    expect(reason).toMatch(/gcc not found|needs x64 linux|cannot run here/);
  });
}

const found = findOracle();
if (found.kind === "ready") withOracle(found);
else withoutOracle(found.reason);

test("an answer that depends on more than the input is left out", () => {
  const input = makeInput("left out", Uint8Array.of(0x90), 64);
  const answer: NativeResult = {
    outcome: "completed",
    steps: 1,
    rip: 1n,
    gpr: input.gpr,
    rflags: input.rflags,
    fsBase: 0n,
    gsBase: 0n,
    selectors: initialSelectors(64),
    fx: input.fx,
    touchedExtended: false,
    memory: [],
  };
  expect(whyLeftOut(answer, { ...answer })).toBeUndefined();
  expect(whyLeftOut(answer, { ...answer, rip: 2n })).toBe("two answers differ");
  const refused: NativeResult = { ...answer, outcome: "refused" };
  expect(whyLeftOut(refused, refused)).toBe("made a system call");
  const extended = { ...answer, touchedExtended: true };
  expect(whyLeftOut(extended, extended)).toBe("modified state beyond AVX");
});

test("a file is named as the manual's entry, without what a file name cannot hold", () => {
  expect(vectorFileName("ADD")).toBe("ADD.vec.br");
  expect(vectorFileName("FADD/FADDP/FIADD")).toBe("FADD_FADDP_FIADD.vec.br");
});
