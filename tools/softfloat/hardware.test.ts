/** Frozen answers of a processor (fixtures/softfloat) against the library: results, flags, C0-C3, traps. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as sse from "./replay-sse.ts";
import * as x87 from "./replay-x87.ts";

/** Records of one fixture by mnemonic. */
function recordsByMnemonic(name: string): Map<string, string[]> {
  const file = new URL(`../../fixtures/softfloat/${name}`, import.meta.url);
  const byMnemonic = new Map<string, string[]>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const mnemonic = line.slice(0, line.indexOf(" "));
    byMnemonic.set(mnemonic, [...(byMnemonic.get(mnemonic) ?? []), line]);
  }
  return byMnemonic;
}

const UNITS = [
  { fixture: "x87.txt", differences: x87.differences, mnemonics: 51 },
  { fixture: "x87-transcendental.txt", differences: x87.differences, mnemonics: 8 },
  { fixture: "sse.txt", differences: sse.differences, mnemonics: 140 },
];

describe.each(UNITS)("$fixture", ({ fixture, differences, mnemonics }) => {
  const records = recordsByMnemonic(fixture);

  test("holds every mnemonic", () => {
    expect(records.size).toBe(mnemonics);
  });

  test.each([...records.keys()])("%s answers as the processor did", (mnemonic) => {
    const differing = (records.get(mnemonic) ?? [])
      .map((record) => ({ record, here: differences(record) }))
      .filter(({ here }) => here.length > 0);
    expect(differing).toEqual([]);
  });
});
