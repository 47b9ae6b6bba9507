import { describe, expect, test } from "vitest";
import { clonePlain, firstDifference, hashPlain, type Plain } from "./data.ts";
import { Hasher } from "./hash.ts";

function digest(value: Plain): string {
  const hasher = new Hasher();
  hashPlain(hasher, value);
  return hasher.hex();
}

describe("plain data", () => {
  test.each<[string, Plain, Plain]>([
    ["lists within lists", [[1], 2], [[1, 2]]],
    ["empty lists", [[], []], [[[]]]],
    ["keys", { a: 1 }, { b: 1 }],
    ["what lies in which object", { a: { b: 1 } }, { a: {}, b: 1 }],
    ["null and undefined", null, undefined],
    ["an empty object and list", {}, []],
    ["a number and a bigint", 1, 1n],
    ["text and a number", "1", 1],
    ["true and false", true, false],
    ["the zeros", 0, -0],
    ["arrays of signed and unsigned bytes", Uint8Array.of(0, 0), Int8Array.of(0, 0)],
    ["arrays of bytes and words", Uint8Array.of(0, 0), Uint16Array.of(0)],
    ["empty arrays of different kinds", new Uint8Array(0), new Float64Array(0)],
  ])("the digest tells apart %s", (_, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
    expect(digest(clonePlain(a))).toBe(digest(a));
    expect(digest(clonePlain(b))).toBe(digest(b));
  });

  test("a copy keeps a key that would set the prototype", () => {
    const value = JSON.parse('{"__proto__": {"a": 1}, "b": 2}') as Plain;
    const copy = clonePlain(value);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(digest(copy)).toBe(digest(value));
  });

  test.each<[Plain, Plain, string]>([
    [{ a: 1 }, { a: 1, b: 2 }, ".b"],
    [{ a: 1, b: 2 }, { a: 1 }, ".b"],
    [[1, 2], [1, 2, 3], ".length"],
    [[1, { x: 1 }], [1, { x: 2 }], "[1].x"],
    [[1], Uint8Array.of(1), ""],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 3), "[1]"],
    [0, -0, ""],
  ])("%j and %j differ at %s", (a, b, path) => {
    expect(firstDifference(a, b)?.path).toBe(path);
    expect(firstDifference(a, clonePlain(a))).toBe(null);
  });
});
