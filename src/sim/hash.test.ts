import { describe, expect, test } from "vitest";
import { Hasher } from "./hash.ts";

/** The verification value of MurmurHash3_x86_128 in SMHasher's own test (VerificationTest, main.cpp). */
const SMHASHER_VERIFICATION = 0xb3ece62a;

function murmur(bytes: Uint8Array, seed: number): Uint8Array {
  const hasher = new Hasher(seed);
  hasher.bytes(bytes);
  const out = new DataView(new ArrayBuffer(16));
  hasher.finish().forEach((word, i) => out.setUint32(4 * i, word, true));
  return new Uint8Array(out.buffer);
}

describe("Hasher", () => {
  test("is MurmurHash3_x86_128 by SMHasher's verification", () => {
    const hashes = new Uint8Array(256 * 16);
    const key = new Uint8Array(256);
    for (let i = 0; i < 256; i += 1) {
      key[i] = i;
      hashes.set(murmur(key.subarray(0, i), 256 - i), i * 16);
    }
    const final = new DataView(murmur(hashes, 0).buffer);
    expect(final.getUint32(0, true)).toBe(SMHASHER_VERIFICATION);
  });

  test("whole words give what their bytes give", () => {
    const words = Uint32Array.from({ length: 64 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
    const [byWords, byBytes] = [new Hasher(7), new Hasher(7)];
    byWords.words(words, 0, 64);
    byBytes.bytes(new Uint8Array(words.buffer));
    expect(byWords.hex()).toBe(byBytes.hex());
  });

  test("goes on from a saved state as if it had not been interrupted", () => {
    for (const count of [0, 1, 2, 3, 4, 5]) {
      const [whole, second] = [new Hasher(), new Hasher()];
      for (let i = 0; i < count; i += 1) whole.u32(i);
      second.load(whole.save());
      whole.text("and on");
      second.text("and on");
      expect(second.hex()).toBe(whole.hex());
    }
  });

  test("tells apart numbers whose words are alike, and takes all NaNs for one", () => {
    const digest = (value: number): string => {
      const hasher = new Hasher();
      hasher.f64(value);
      return hasher.hex();
    };
    const values = [
      0,
      -0,
      1,
      -1,
      0.5,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      5e-324,
    ];
    expect(new Set(values.map(digest)).size).toBe(values.length);
    const [payload = 0] = new Float64Array(new BigUint64Array([0x7ff8000000001234n]).buffer);
    expect(digest(payload)).toBe(digest(Number.NaN));
  });
});
