/** The native oracle against facts of the manuals that hold on every vendor's CPU. */

import { describe, expect, test } from "vitest";
import { describeCpu, findOracle, type Oracle, runNative } from "./native.ts";
import { initialFx, initialMemory, type NativeResult, WINDOW } from "./records.ts";
import {
  AC,
  AF,
  bytesOf,
  caseOf,
  CF,
  CODE,
  DATA,
  DF,
  doubleBits,
  NT,
  OF,
  PF,
  RAX,
  RCX,
  RDI,
  RSI,
  RSP,
  type Run,
  runner,
  SF,
  sseState,
  STATUS,
  ZF,
} from "./testing.ts";

function integerFacts(oracle: Oracle, run: Run): void {
  describe("integers", () => {
    const ADD_RAX_RCX = [0x48, 0x01, 0xc8];

    test.each([
      [1n, 2n, 3n, PF],
      [0xffff_ffff_ffff_ffffn, 1n, 0n, CF | PF | AF | ZF],
      [0x7fff_ffff_ffff_ffffn, 1n, 0x8000_0000_0000_0000n, PF | AF | SF | OF],
      [0x8000_0000_0000_0000n, 0x8000_0000_0000_0000n, 0n, CF | PF | ZF | OF],
      [0x0fn, 0x01n, 0x10n, AF],
    ])("ADD %s, %s is %s", (a, b, sum, flags) => {
      const result = run(ADD_RAX_RCX, { [RAX]: a, [RCX]: b }, { rflags: 0x202n | STATUS });
      expect(result.outcome).toBe("completed");
      expect(result.steps).toBe(1);
      expect(result.rip).toBe(BigInt(CODE + 3));
      expect(result.gpr[RAX]).toBe(sum);
      expect(result.gpr[RCX]).toBe(b);
      expect(result.rflags & STATUS).toBe(flags);
      expect(result.memory).toEqual([]);
    });

    test("a 32-bit result clears the upper half", () => {
      const result = run([0x01, 0xc8], { [RAX]: 0xffff_ffff_0000_0001n, [RCX]: 1n });
      expect(result.gpr[RAX]).toBe(2n);
    });

    test("an 8-bit result leaves the rest", () => {
      const result = run([0x00, 0xc8], { [RAX]: 0x1122_3344_5566_77ffn, [RCX]: 1n });
      expect(result.gpr[RAX]).toBe(0x1122_3344_5566_7700n);
    });

    test("registers that the instruction does not name stay as they were", () => {
      const registers = Object.fromEntries(
        Array.from({ length: 16 }, (_, i) => [i, 0x1111_1111_1111_1111n * BigInt(i)]),
      );
      const result = run([0x90], registers);
      expect([...result.gpr]).toEqual(Object.values(registers));
    });

    test("many sums agree with BigInt", () => {
      const cases = Array.from({ length: 500 }, (_, i) => {
        const a = BigInt.asUintN(64, BigInt(i) * 0x9e37_79b9_7f4a_7c15n);
        return caseOf(ADD_RAX_RCX, { [RAX]: a, [RCX]: BigInt.asUintN(64, a * a) });
      });
      runNative(oracle, cases).forEach((result, i) => {
        const [a = 0n, b = 0n] = cases[i]?.gpr ?? [];
        expect(result.gpr[RAX]).toBe(BigInt.asUintN(64, a + b));
        expect(result.rflags & CF).toBe((a + b) >> 64n);
      });
    });
  });
}

function faultFacts(run: Run): void {
  describe("faults", () => {
    const fault = (...given: Parameters<Run>): NativeResult["fault"] => run(...given).fault;
    const NONE = { errorCode: 0, address: 0n };
    const LOAD_RAX_RSI = [0x48, 0x8b, 0x06];
    const STORE_RSI_RAX = [0x48, 0x89, 0x06];
    const GUARD = DATA + 0x2000n;
    const READ_ONLY = BigInt(WINDOW.readOnly.address);

    test("DIV by zero is #DE, with RIP at the instruction", () => {
      expect(fault([0xf7, 0xf1])).toEqual({ vector: 0, ...NONE });
      const { rip, steps, outcome } = run([0xf7, 0xf1]);
      expect({ rip, steps, outcome }).toEqual({ rip: BigInt(CODE), steps: 0, outcome: "fault" });
    });

    test("UD2 is #UD", () => expect(fault([0x0f, 0x0b])).toEqual({ vector: 6, ...NONE }));

    test("INT3 is #BP, with RIP behind it", () => {
      expect(fault([0xcc])).toEqual({ vector: 3, ...NONE });
      expect(run([0xcc]).rip).toBe(BigInt(CODE + 1));
    });

    test("HLT in user mode is #GP(0)", () => {
      expect(fault([0xf4])).toEqual({ vector: 13, ...NONE });
    });

    test("INT 20h without a gate for user mode is #GP with the vector in its error code", () => {
      expect(fault([0xcd, 0x20])).toEqual({ vector: 13, errorCode: 0x20 * 8 + 2, address: 0n });
    });

    test("a load from an unmapped page is #PF with user mode in its error code", () => {
      expect(fault(LOAD_RAX_RSI, { [RSI]: GUARD })).toEqual({
        vector: 14,
        errorCode: 4,
        address: GUARD,
      });
    });

    test("CR2 is the first byte that cannot be had", () => {
      expect(fault(LOAD_RAX_RSI, { [RSI]: GUARD - 3n })?.address).toBe(GUARD);
    });

    test("a store to an unmapped page is a write", () => {
      expect(fault(STORE_RSI_RAX, { [RSI]: DATA - 8n })).toEqual({
        vector: 14,
        errorCode: 6,
        address: DATA - 8n,
      });
    });

    test("a store to a read-only page is a write and a protection violation", () => {
      expect(fault(STORE_RSI_RAX, { [RSI]: READ_ONLY })).toEqual({
        vector: 14,
        errorCode: 7,
        address: READ_ONLY,
      });
      expect(run(LOAD_RAX_RSI, { [RSI]: READ_ONLY }).outcome).toBe("completed");
    });

    test("an instruction that goes on behind the code page faults on the fetch", () => {
      expect(fault([0x48], {}, { codeOffset: 4095 })).toEqual({
        vector: 14,
        errorCode: 0x14,
        address: BigInt(WINDOW.code.address + 4096),
      });
      expect(run([0x90], {}, { codeOffset: 4095 }).rip).toBe(BigInt(WINDOW.code.address + 4096));
    });

    test("an address that is not canonical is #GP, and #SS with the stack", () => {
      const bad = 0x8000_0000_0000_0000n;
      expect(fault(LOAD_RAX_RSI, { [RSI]: bad })).toEqual({ vector: 13, ...NONE });
      expect(fault([0x50], { [RSP]: bad })).toEqual({ vector: 12, ...NONE });
    });

    test("CMPXCHG16B on an address that is not aligned is #GP", () => {
      const code = [0x48, 0x0f, 0xc7, 0x0e];
      expect(fault(code, { [RSI]: DATA + 8n })).toEqual({ vector: 13, ...NONE });
      expect(run(code, { [RSI]: DATA + 16n }).outcome).toBe("completed");
    });

    test("with AC set an access that is not aligned is #AC", () => {
      const rflags = 0x202n | AC;
      expect(fault(LOAD_RAX_RSI, { [RSI]: DATA + 1n }, { rflags })).toEqual({
        vector: 17,
        ...NONE,
      });
      expect(run(LOAD_RAX_RSI, { [RSI]: DATA }, { rflags }).rflags & AC).toBe(AC);
    });

    test("16 prefixes are one too many", () => {
      expect(fault([...Array.from({ length: 15 }, () => 0x66), 0x90])?.vector).toBe(13);
      expect(run([...Array.from({ length: 14 }, () => 0x66), 0x90]).rip).toBe(BigInt(CODE + 15));
    });

    test("a faulting instruction changes nothing", () => {
      const input = caseOf(STORE_RSI_RAX, { [RSI]: READ_ONLY, [RAX]: 5n });
      const result = run(STORE_RSI_RAX, { [RSI]: READ_ONLY, [RAX]: 5n });
      expect([...result.gpr]).toEqual([...input.gpr]);
      expect(result.memory).toEqual([]);
      expect(result.rflags).toBe(0x202n);
    });
  });
}

function memoryFacts(run: Run): void {
  describe("memory and flow", () => {
    test("memory begins as its background and the patches say", () => {
      const patch = { address: WINDOW.data.address + 2, bytes: Uint8Array.from([1, 2, 3]) };
      const more = { patches: [patch], untilRipLeaves: true, maxSteps: 100 };
      // REP MOVSB of 16 bytes from each part to a place where any difference shows.
      for (const part of [WINDOW.data, WINDOW.readOnly, WINDOW.stack, WINDOW.code]) {
        const registers = { [RSI]: BigInt(part.address), [RDI]: DATA + 0x1000n, [RCX]: 16n };
        const input = caseOf([0xf3, 0xa4], registers, more);
        const result = run([0xf3, 0xa4], registers, more);
        const after = initialMemory(input, WINDOW.data);
        for (const { address, bytes } of result.memory)
          after.set(bytes, address - WINDOW.data.address);
        expect(after.slice(0x1000, 0x1010)).toEqual(initialMemory(input, part).slice(0, 16));
      }
    });

    test("REP MOVSB traps after each iteration", () => {
      const registers = { [RSI]: DATA, [RDI]: DATA + 64n, [RCX]: 3n };
      const once = run([0xf3, 0xa4], registers);
      expect(once.rip).toBe(BigInt(CODE));
      expect(once.gpr[RCX]).toBe(2n);
      expect(once.gpr[RSI]).toBe(DATA + 1n);

      const whole = run([0xf3, 0xa4], registers, { untilRipLeaves: true, maxSteps: 100 });
      expect(whole.rip).toBe(BigInt(CODE + 2));
      expect(whole.steps).toBe(3);
      expect(whole.gpr[RCX]).toBe(0n);
      expect(whole.gpr[RDI]).toBe(DATA + 67n);

      const cut = run([0xf3, 0xa4], registers, { untilRipLeaves: true, maxSteps: 2 });
      expect(cut.outcome).toBe("step-limit");
      expect(cut.gpr[RCX]).toBe(1n);
    });

    test("REP MOVSB with DF goes down, and stops at a fault with what it has done", () => {
      const registers = { [RSI]: DATA + 1n, [RDI]: DATA + 64n, [RCX]: 5n };
      const more = { rflags: 0x202n | DF, untilRipLeaves: true, maxSteps: 100 };
      const result = run([0xf3, 0xa4], registers, more);
      expect(result.fault).toEqual({ vector: 14, errorCode: 4, address: DATA - 1n });
      expect(result.steps).toBe(2);
      expect(result.gpr[RCX]).toBe(3n);
      expect(result.gpr[RDI]).toBe(DATA + 62n);
    });

    test("CALL pushes the address behind it", () => {
      const result = run([0xe8, 0x10, 0, 0, 0]);
      expect(result.rip).toBe(BigInt(CODE + 5 + 0x10));
      expect(result.gpr[RSP]).toBe(BigInt(WINDOW.stack.address + 0x7f8));
      const stack = initialMemory(caseOf([]), WINDOW.stack);
      for (const { address, bytes } of result.memory)
        stack.set(bytes, address - WINDOW.stack.address);
      expect(stack.slice(0x7f8, 0x800)).toEqual(bytesOf(BigInt(CODE + 5), 8));
    });

    test("PUSHF stores the trap flag that the oracle sets", () => {
      const patches = [{ address: WINDOW.stack.address + 0x7f8, bytes: new Uint8Array(8) }];
      const result = run([0x9c], {}, { patches, rflags: 0x202n | NT | STATUS });
      expect(result.memory).toEqual([
        { address: WINDOW.stack.address + 0x7f8, bytes: bytesOf(0x302n | NT | STATUS, 2) },
      ]);
    });

    test("a run stops at its end, or after its steps", () => {
      const INC_RAX_3 = [0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0];
      const ended = run(INC_RAX_3, {}, { maxSteps: 50, endRip: BigInt(CODE + 6) });
      expect([ended.outcome, ended.steps, ended.gpr[RAX]]).toEqual(["completed", 2, 2n]);
      const counted = run(INC_RAX_3, {}, { maxSteps: 3 });
      expect([counted.outcome, counted.steps, counted.gpr[RAX]]).toEqual(["completed", 3, 3n]);
      const missed = run([0xeb, 0xfe], {}, { maxSteps: 5, endRip: 0n });
      expect([missed.outcome, missed.steps]).toEqual(["step-limit", 5]);
    });

    test("MOV SS holds the trap back for one instruction", () => {
      const result = run([0x8e, 0xd0, 0xff, 0xc1], { [RAX]: 0x2bn });
      expect([result.rip, result.gpr[RCX], result.steps]).toEqual([BigInt(CODE + 4), 1n, 1]);
    });

    test.each([
      [0, "es"],
      [2, "ss"],
      [3, "ds"],
      [4, "fs"],
      [5, "gs"],
    ])("MOV to segment register %i shows as %s and nowhere else", (register, name) => {
      const before = { cs: 0x33, ss: 0x2b, ds: 0x2b, es: 0x2b, fs: 0x2b, gs: 0x2b };
      // Readable code and the null selector do for data; only the data segment does for the stack.
      const selector = name === "ss" ? 0x2b : register % 2 === 0 ? 0x33 : 0;
      const result = run([0x8e, 0xc0 | (register << 3)], { [RAX]: BigInt(selector) });
      expect(result.selectors).toEqual({ ...before, [name]: selector });
    });

    test("the FS base lives through a run", () => {
      const code = [0x90, 0x64, 0x48, 0x8b, 0x06];
      const result = run(code, { [RSI]: 8n }, { fsBase: DATA, maxSteps: 2 });
      expect([result.outcome, result.fsBase]).toEqual(["completed", DATA]);
      const expected = initialMemory(caseOf([]), WINDOW.data).slice(8, 16);
      expect(bytesOf(result.gpr[RAX] ?? 0n, 8)).toEqual(expected);
    });

    test("FS and GS have the bases of the case", () => {
      const more = { fsBase: DATA - 0x100n, gsBase: 0xffff_8000_0000_0000n };
      const loaded = run([0x64, 0x48, 0x8b, 0x46, 0x08], { [RSI]: 0x100n }, more);
      const expected = initialMemory(caseOf([]), WINDOW.data).slice(8, 16);
      expect(bytesOf(loaded.gpr[RAX] ?? 0n, 8)).toEqual(expected);
      expect([loaded.fsBase, loaded.gsBase]).toEqual([more.fsBase, more.gsBase]);
      const written = run([0xf3, 0x48, 0x0f, 0xae, 0xd0], { [RAX]: 0x1234n }, more);
      expect([written.fsBase, written.gsBase]).toEqual([0x1234n, more.gsBase]);
    });
  });
}

function floatingFacts(oracle: Oracle, run: Run): void {
  describe("x87, SSE, AVX", () => {
    const ADDSD = [0xf2, 0x0f, 0x58, 0xc1];
    const DIVSD = [0xf2, 0x0f, 0x5e, 0xc1];
    const word = (fx: Uint8Array, at: number): bigint =>
      new DataView(fx.buffer, fx.byteOffset).getBigUint64(at, true);

    test("ADDSD 1.0, 2.0 is 3.0 and leaves the upper half", () => {
      const fx = sseState(1, 2);
      fx.fill(0xab, 168, 176);
      const result = run(ADDSD, {}, { fx });
      const expected = fx.slice();
      expected.set(bytesOf(doubleBits(3), 8), 160);
      expect(result.fx).toEqual(expected);
    });

    test("a masked division by zero is infinite and sets ZE; an unmasked one is #XM", () => {
      const masked = run(DIVSD, {}, { fx: sseState(1, 0) });
      expect(word(masked.fx, 160)).toBe(doubleBits(Infinity));
      expect(word(masked.fx, 24) & 0xffffn).toBe(0x1f84n);
      const unmasked = run(DIVSD, {}, { fx: sseState(1, 0, 0x1d80) });
      expect(unmasked.fault).toEqual({ vector: 19, errorCode: 0, address: 0n });
      expect(word(unmasked.fx, 160)).toBe(doubleBits(1));
      expect(word(unmasked.fx, 24) & 0xffffn).toBe(0x1d84n);
    });

    test("an unmasked x87 exception waits for the next waiting instruction, then is #MF", () => {
      const fx = initialFx();
      new DataView(fx.buffer).setUint16(0, 0x037b, true);
      // FLD1, FLDZ, FDIVP, FNOP: the division is done and the no-operation faults.
      const code = [0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0xd0];
      const result = run(code, {}, { fx, maxSteps: 4 });
      expect(result.fault).toEqual({ vector: 16, errorCode: 0, address: 0n });
      expect([result.steps, result.rip]).toEqual([3, BigInt(CODE + 6)]);
      expect(word(result.fx, 0) & 0x8084_0000n).toBe(0x8084_0000n);
    });

    test("an x87 exception that is pending when the case begins is #MF", () => {
      const fx = initialFx();
      const view = new DataView(fx.buffer);
      view.setUint16(0, 0x037b, true);
      view.setUint16(2, 0x8084, true);
      expect(run([0x9b], {}, { fx }).fault?.vector).toBe(16);
    });

    test("FLD1 pushes 1.0", () => {
      const { fx } = run([0xd9, 0xe8]);
      expect([word(fx, 32), word(fx, 40)]).toEqual([1n << 63n, 0x3fffn]);
      expect([fx[3], fx[4]]).toEqual([0x38, 0x80]);
    });

    test("upper halves of YMM are given and reported, where there is AVX", () => {
      const hasAvx = describeCpu(oracle).leaves.some(
        ({ leaf, ecx }) => leaf === 1 && (ecx >>> 28) & 1,
      );
      // VADDPD YMM0, YMM0, YMM1
      const code = [0xc5, 0xfd, 0x58, 0xc1];
      const ymmHigh = new Uint8Array(256);
      ymmHigh.set(bytesOf(doubleBits(10), 8), 0);
      ymmHigh.set(bytesOf(doubleBits(20), 8), 16);
      const more = { fx: sseState(1, 2), ymmHigh };
      if (!hasAvx) {
        expect(() => run(code, {}, more)).toThrow("has none");
        return;
      }
      const result = run(code, {}, more);
      expect(word(result.fx, 160)).toBe(doubleBits(3));
      expect(word(result.ymmHigh ?? new Uint8Array(8), 0)).toBe(doubleBits(30));
      expect(run(code, {}, { fx: more.fx }).ymmHigh).toBeUndefined();
    });
  });
}

function compatibilityFacts(run: Run): void {
  describe("compatibility mode", () => {
    const mode = 32;

    test("40h is INC EAX", () => {
      const result = run([0x40], { [RAX]: 0xffff_ffffn }, { mode });
      expect([result.gpr[RAX], result.rip]).toEqual([0n, BigInt(CODE + 1)]);
      expect(result.rflags & (ZF | CF)).toBe(ZF);
      expect(result.selectors.cs).toBe(0x23);
    });

    test("in 64-bit mode 40h is a prefix", () => {
      const result = run([0x40, 0x90], { [RAX]: 1n });
      expect([result.gpr[RAX], result.rip]).toEqual([1n, BigInt(CODE + 2)]);
      expect(result.selectors.cs).toBe(0x33);
    });

    test("PUSH stores four bytes", () => {
      const result = run([0x50], { [RAX]: 0x1122_3344n }, { mode });
      expect(result.gpr[RSP]).toBe(BigInt(WINDOW.stack.address + 0x7fc));
    });

    test("INTO is #OF when OF is set", () => {
      expect(run([0xce], {}, { mode, rflags: 0x202n | OF }).fault?.vector).toBe(4);
      expect(run([0xce], {}, { mode }).outcome).toBe("completed");
    });

    test("FS has a base here too", () => {
      const result = run([0x64, 0xa1, 0, 1, 0, 0], {}, { mode, fsBase: DATA });
      const expected = initialMemory(caseOf([]), WINDOW.data).slice(0x100, 0x104);
      expect(bytesOf(result.gpr[RAX] ?? 0n, 4)).toEqual(expected);
    });

    test("RETF to the 64-bit code segment changes the mode", () => {
      const patches = [{ address: WINDOW.stack.address + 0x804, bytes: bytesOf(0x33n, 4) }];
      expect(run([0xcb], {}, { mode, patches }).selectors.cs).toBe(0x33);
    });
  });
}

function facts(oracle: Oracle): void {
  const run = runner(oracle);
  integerFacts(oracle, run);
  faultFacts(run);
  memoryFacts(run);
  floatingFacts(oracle, run);
  compatibilityFacts(run);
}

function noFacts(reason: string): void {
  test("without the oracle there is a reason", () => {
    expect(reason).toMatch(/gcc not found|needs x64 linux|cannot run here/);
  });
}

const found = findOracle();
if (found.kind === "ready") facts(found);
else noFacts(found.reason);
