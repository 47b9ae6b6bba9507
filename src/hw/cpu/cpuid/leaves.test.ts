import { expect, test } from "vitest";

import { BLOCK_BYTES, CpuState } from "../state.ts";
import { cpuid } from "./leaves.ts";
import { AMD, INTEL } from "./profile.ts";

const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
const text = (...words: readonly number[]): string =>
  String.fromCharCode(
    ...words.flatMap((word) => [0, 8, 16, 24].map((bit) => (word >>> bit) & 255)),
  );

test.each([
  [INTEL, "GenuineIntel"],
  [AMD, "AuthenticAMD"],
])("every leaf of a profile answers with words of 32 bits", (profile, vendor) => {
  const first = cpuid(profile, state, 0, 0);
  expect(text(first.EBX, first.EDX, first.ECX)).toBe(vendor);
  const extended = cpuid(profile, state, 0x8000_0000, 0);
  for (const [from, to] of [
    [0, first.EAX],
    [0x8000_0000, extended.EAX],
  ] as const) {
    for (let leaf = from; leaf <= to; leaf += 1) {
      for (let subleaf = 0; subleaf < 5; subleaf += 1) {
        const words = Object.values(cpuid(profile, state, leaf, subleaf));
        expect(words.map((word) => word >>> 0)).toEqual(words);
      }
    }
  }
});

test("the caches of leaf 4 have the size that ways, lines and sets give", () => {
  const { EAX, EBX, ECX } = cpuid(INTEL, state, 4, 0);
  // SDM Vol. 2A, "CPUID—CPU Identification", deterministic cache parameters: a data cache of level 1.
  expect(EAX & 31).toBe(1);
  expect((EAX >>> 5) & 7).toBe(1);
  const bytes = ((EBX >>> 22) + 1) * ((EBX & 0xfff) + 1) * (ECX + 1);
  expect([16, 24, 32, 48].map((kibibytes) => 1024 * kibibytes)).toContain(bytes);
});
