/** Files of vectors give back what was put in, and refuse what is damaged; inputs stay what they were. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VectorFileError } from "./bytes.ts";
import { type InputHints, makeInput } from "./inputs.ts";
import type { CpuDescription } from "./native.ts";
import {
  encodeCases,
  initialSelectors,
  type MemoryRange,
  type Mode,
  type NativeResult,
  WINDOW,
} from "./records.ts";
import { decodeVectors, encodeVectors, type Vector, vectorInput } from "./vectors.ts";

const CPU: CpuDescription = {
  vendor: "GenuineNobody",
  family: 6,
  model: 1,
  stepping: 0,
  brand: "none",
  hypervisor: null,
  leaves: [{ leaf: 1, subleaf: 0, eax: 1, ebx: 2, ecx: 3, edx: 4 }],
};

/** One set of hints for each thing that a hint can ask for. */
const HINTS: readonly InputHints[] = [
  {},
  { memory: [{ base: 0, index: 1, scale: 4, displacement: -12, bytes: 8 }] },
  { memory: [{ base: 3, index: 3, bytes: 4, addressBits: 32 }], repeat: true },
  { memory: [{ index: 2, scale: 8, bytes: 16, align: 16, segment: "GS", content: "f32" }] },
  { memory: [{ base: 5, bytes: 32, region: "stack", content: "mixed" }], sse: "f64", ymm: true },
  { memory: [{ base: 6, bytes: 512, align: 16, content: "fxsave" }], x87: "float", sse: "mixed" },
  { memory: [{ base: 6, bytes: 28, content: "x87env" }], x87: "mmx" },
  { memory: [{ base: 6, bytes: 10, content: "f80", segment: "FS" }], x87: "float" },
  {
    memory: [
      { base: 6, bytes: 10, content: "bcd" },
      { base: 7, bytes: 4, content: "mxcsr" },
    ],
  },
  {
    memory: [
      { base: 6, bytes: 8, content: "code" },
      { base: 7, bytes: 6, content: "far" },
    ],
  },
  { registers: [{ register: 1, min: -3, max: 70 }], sse: "int", codeOffset: 4090 },
  { stack: ["code", "cs", "flags", "stack", "ss", "any"], stackSlotBytes: 4 },
];

const anyWord = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: 0n, max: 300n }),
);
const anyVector = fc.record({
  hints: fc.constantFrom(...HINTS),
  code: fc.uint8Array({ minLength: 1, maxLength: 15 }),
  gap: fc.nat(3),
  outcome: fc.constantFrom("completed", "fault", "step-limit"),
  vector: fc.constantFrom(0, 6, 13, 14, 16, 19),
  errorCode: fc.nat(0x1f),
  word: anyWord,
  registers: fc.array(fc.tuple(fc.nat(15), anyWord), { maxLength: 4 }),
  fxBytes: fc.array(fc.tuple(fc.nat(415), fc.nat(255)), { maxLength: 40 }),
  rangeGaps: fc.array(fc.tuple(fc.nat(900), fc.uint8Array({ minLength: 1, maxLength: 9 })), {
    maxLength: 4,
  }),
  changes: fc.boolean(),
});
type AnyVector = typeof anyVector extends fc.Arbitrary<infer T> ? T : never;

/** A result as the oracle could report it after this case. */
function resultOf(any: AnyVector, seed: number, mode: Mode): NativeResult {
  const input = vectorInput("TEST", "form", mode, { seed, code: any.code, hints: any.hints });
  const gpr = input.gpr.slice();
  for (const [register, value] of any.registers) gpr[register] = value;
  const fx = input.fx.slice();
  for (const [at, value] of any.fxBytes) if (at < 28 || at > 31) fx[at] = value;
  const ymmHigh = input.ymmHigh?.slice();
  if (any.changes) ymmHigh?.fill(any.code[0] ?? 0, 100, 130);
  const memory: MemoryRange[] = [];
  let end = WINDOW.data.address;
  for (const [gap, bytes] of any.rangeGaps) {
    memory.push({ address: end + gap, bytes });
    end += gap + bytes.length + 1;
  }
  const { vector, errorCode } = any;
  const selectors = initialSelectors(mode);
  return {
    outcome: any.outcome,
    fault:
      any.outcome === "fault"
        ? { vector, errorCode, address: vector === 14 ? any.word : 0n }
        : undefined,
    steps: any.outcome === "fault" ? any.errorCode : 1 + any.errorCode,
    rip: any.word,
    gpr,
    rflags: any.changes ? 0x246n : input.rflags,
    fsBase: any.changes ? any.word : input.fsBase,
    gsBase: input.gsBase,
    selectors: any.changes ? { ...selectors, cs: 0x23, gs: 0 } : selectors,
    fx,
    ymmHigh,
    touchedExtended: false,
    memory,
  };
}

function vectorsOf(many: readonly AnyVector[], mode: Mode): Vector[] {
  let seed = -1;
  return many.map((any) => {
    seed += 1 + any.gap;
    return { seed, code: any.code, hints: any.hints, result: resultOf(any, seed, mode) };
  });
}

const fileOf = (vectors: readonly Vector[], mode: Mode = 64) => ({
  mnemonic: "TEST",
  cpu: CPU,
  date: "2026-11-23",
  tool: "the test",
  groups: [{ form: "form", mode, vectors }],
});

describe("files of vectors", () => {
  test("give back what was put in", () => {
    fc.assert(
      fc.property(
        fc.array(anyVector, { maxLength: 12 }),
        fc.constantFrom<Mode>(64, 32),
        (many, mode) => {
          const file = fileOf(vectorsOf(many, mode), mode);
          const decoded = decodeVectors(encodeVectors(file));
          const withoutInput = decoded.groups.map((group) => ({
            ...group,
            vectors: group.vectors.map(({ input: _input, ...vector }) => vector),
          }));
          expect({ ...decoded, groups: withoutInput }).toEqual(file);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("give back the input that the seed stands for", () => {
    const vectors = vectorsOf(fc.sample(anyVector, { numRuns: 5, seed: 1 }), 64);
    const [group] = decodeVectors(encodeVectors(fileOf(vectors))).groups;
    expect(group?.vectors.map(({ input }) => input)).toEqual(
      vectors.map((vector) => vectorInput("TEST", "form", 64, vector)),
    );
  });

  test("are the same bytes for the same vectors", () => {
    const file = fileOf(vectorsOf(fc.sample(anyVector, { numRuns: 20, seed: 2 }), 64));
    expect(encodeVectors(file)).toEqual(encodeVectors(file));
  });

  test("refuse what is damaged, cut or foreign", () => {
    const good = encodeVectors(
      fileOf(vectorsOf(fc.sample(anyVector, { numRuns: 9, seed: 3 }), 64)),
    );
    const otherFormat = good.slice();
    otherFormat[4] = 9;
    expect(() => decodeVectors(new Uint8Array(0))).toThrow(VectorFileError);
    expect(() => decodeVectors(new TextEncoder().encode("# README"))).toThrow("no file of vectors");
    expect(() => decodeVectors(otherFormat)).toThrow("format 9");
    for (const length of [8, 20, good.length - 1]) {
      expect(() => decodeVectors(good.subarray(0, length))).toThrow(VectorFileError);
    }
  });

  test("hold no answer that is none", () => {
    const [any] = fc.sample(anyVector, { numRuns: 1, seed: 4 });
    const [vector] = any === undefined ? [] : vectorsOf([any], 64);
    if (vector === undefined) throw new Error("no sample");
    const asked = (more: Partial<NativeResult>) =>
      fileOf([{ ...vector, result: { ...vector.result, ...more } }]);
    expect(() => encodeVectors(asked({ outcome: "refused" }))).toThrow("refused");
    expect(() => encodeVectors(asked({ touchedExtended: true }))).toThrow("AVX-512");
    expect(() => encodeVectors(fileOf([vector, vector]))).toThrow("seeds must rise");
  });
});

describe("inputs", () => {
  const inputs = (["a", "b"] as const).flatMap((seed) =>
    ([64, 32] as const).flatMap((mode) =>
      HINTS.flatMap((hints, kind) =>
        Array.from({ length: 40 }, (_, i) =>
          makeInput(`${seed}${kind}/${i}`, Uint8Array.of(0x90), mode, hints),
        ),
      ),
    ),
  );

  test("are what they were when the vectors were frozen", () => {
    // Another digest means another INPUT_GENERATOR and freezing everything again.
    const digest = createHash("sha256").update(encodeCases(inputs)).digest("hex");
    expect(digest).toBe("1652b6d65e904375cdf330201d8adc007fba7eba58428fde626fd63a9def05ab");
  });

  test("aim memory operands at the window, mostly", () => {
    const hints: InputHints = {
      memory: [{ base: 0, index: 1, scale: 4, displacement: -12, bytes: 8 }],
    };
    let hits = 0;
    for (let i = 0; i < 400; i++) {
      const { gpr } = makeInput(`aim/${i}`, Uint8Array.of(0x90), 64, hints);
      const address = BigInt.asUintN(64, (gpr[0] ?? 0n) + 4n * (gpr[1] ?? 0n) - 12n);
      const offset = address - BigInt(WINDOW.data.address);
      if (offset >= 0n && offset <= BigInt(WINDOW.data.bytes - 8)) hits++;
    }
    expect(hits).toBeGreaterThan(280);
    expect(hits).toBeLessThan(390);
  });

  test("keep within what the oracle accepts", () => {
    for (const { mode, gpr, fx, fsBase, rflags } of inputs) {
      expect(new DataView(fx.buffer).getUint32(24, true) >>> 16).toBe(0);
      expect(BigInt.asUintN(64, BigInt.asIntN(48, fsBase))).toBe(fsBase);
      expect(rflags & ~0x24_4ed7n).toBe(0n);
      if (mode === 32)
        expect(gpr.every((value, i) => value <= (i < 8 ? 0xffff_ffffn : 0n))).toBe(true);
    }
  });

  test("say in ES whether an unmasked x87 exception is pending", () => {
    for (const { fx } of inputs) {
      const view = new DataView(fx.buffer);
      const [control, status] = [view.getUint16(0, true), view.getUint16(2, true)];
      expect(status & 0x8080).toBe((status & ~control & 0x3f) === 0 ? 0 : 0x8080);
    }
  });
});
