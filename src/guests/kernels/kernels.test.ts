import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { INTEL } from "../../hw/cpu/cpuid/profile.ts";
import { Decoder } from "../../hw/cpu/decode.ts";
import { BareEnvironment } from "../../hw/cpu/environment.ts";
import { Interpreter } from "../../hw/cpu/engine/interpreter.ts";
import { CPU_BYTES } from "../../hw/cpu/engine/layout.ts";
import { FlatMemory } from "../../hw/cpu/flat-memory.ts";
import { INSTRUCTIONS } from "../../hw/cpu/isa/index.ts";
import { startLongMode } from "../../hw/cpu/start.ts";
import { CpuState } from "../../hw/cpu/state.ts";
import { PagedMemory } from "../../sim/paged-memory.ts";
import { assemble } from "../assembler.ts";
import { KERNELS } from "./kernels.ts";

const START = 0x10_0000n;
const decoder = new Decoder(INSTRUCTIONS);

/** The answer of a kernel for some work. */
function answer(name: string, work: number): bigint {
  const kernel = KERNELS.find((item) => item.name === name);
  if (kernel === undefined) throw new Error(`no kernel ${name}`);
  const { bytes, labels } = assemble(kernel.source, START);
  const memory = new PagedMemory(1 << 20, CPU_BYTES + (1 << 20));
  memory.write(0, bytes);
  const state = new CpuState(memory.wasm.buffer, 0);
  const flat = new FlatMemory(memory, START);
  const area = { records: CPU_BYTES, recordBytes: 1 << 20 };
  const environment = new BareEnvironment(INTEL);
  startLongMode(state, 3);
  const cpu = new Interpreter(memory.wasm, { state, decoder, memory: flat, environment }, area);
  state.rip = labels.get("start") as bigint;
  state.setGpr(7, BigInt(work));
  state.setGpr(6, START + 0x1_0000n);
  state.setGpr(4, START + 0xf_0000n);
  const fault = cpu.run(1e9);
  expect(fault?.vector).toBe(6);
  return state.gpr(0);
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

function crc32(bytes: readonly number[]): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe("kernels give the answers that the same work gives elsewhere", () => {
  test("alu", () => {
    let [a, d, b] = [1n, 0x123456789abcdefn, 0n];
    for (let i = 0; i < 500; i += 1) {
      a = u64(a + d);
      b ^= a;
      b = u64((b >> 7n) | (b << 57n));
      d = u64(d - b);
      b &= 0x7fff_ffffn;
      a = u64(a + 4n * b + 11n);
      b = u64(b * a) | 1n;
    }
    expect(answer("alu", 500)).toBe(u64(a + b));
  });

  test("sieve: there are 3512 primes below 32768", () => {
    expect(answer("sieve", 1)).toBe(3512n);
  });

  test("fib(20)", () => {
    expect(answer("fib", 20)).toBe(6765n);
  });

  test("crc of three rounds over the bytes", () => {
    const round = Array.from({ length: 4096 }, (_, i) => (7 * i) & 0xff);
    expect(answer("crc", 3)).toBe(BigInt(crc32([...round, ...round, ...round])));
  });

  test("bytecode", () => {
    let [a, b] = [0n, 3n];
    for (let i = 0; i < 50; i += 1) {
      for (const op of [0, 3, 1, 2, 0, 0, 3, 2, 1]) {
        if (op === 0) a = u64(a + b);
        else if (op === 1) a = u64(3n * a);
        else if (op === 2) a ^= b;
        else b += 1n;
      }
    }
    expect(answer("bytecode", 50)).toBe(a);
  });

  test("quicksort", () => {
    const words: bigint[] = [];
    let seed = 12345n;
    for (let i = 0; i < 700; i += 1) {
      seed = u64(seed * 6364136223846793005n + 1442695n);
      words.push(seed >> 16n);
    }
    words.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    expect(answer("quicksort", 700)).toBe(
      words.reduce((sum, word, i) => u64(sum + BigInt(i) * word), 0n),
    );
  });

  test("sse2: the same sums in JavaScript's doubles", () => {
    let [sum, a, b] = [0, 0.5, 0.25];
    for (let i = 1; i <= 400; i += 1) {
      sum += 1 / (i * i);
      [a, b] = [a * 3.75 * (1 - a), b * 3.75 * (1 - b)];
    }
    const words = new BigUint64Array(Float64Array.of(sum + a + b).buffer);
    expect(answer("sse2", 400)).toBe(words[0]);
  });

  test("sha256 of 320 bytes", () => {
    const digest = createHash("sha256").update("a".repeat(320)).digest();
    expect(answer("sha256", 5)).toBe(digest.readBigUInt64BE(0));
  });

  test("copy", () => {
    const tail = Array.from({ length: 8 }, (_, i) => BigInt((4096 - 8 + i + 1) & 0xff));
    expect(answer("copy", 2)).toBe(tail.reduceRight((word, byte) => (word << 8n) | byte, 0n));
  });
});
