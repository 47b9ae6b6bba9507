/** The repository's own rules, as a test: layers, determinism, lengths, citations, words. See tools/tidy/. */

import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { checkRule, RULES, readSources } from "./tidy/index.ts";
import type { Finding } from "./tidy/source.ts";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const sources = readSources(root);

/** Rules about things that the repository does not hold yet. Take a name out when its first file arrives. */
const NOTHING_YET: ReadonlySet<string> = new Set(["file citations"]);

const inWords = ({ path: at, line, message }: Finding): string => `${at}:${line} ${message}`;

describe("tidy", () => {
  for (const rule of RULES) {
    test(rule.name, () => {
      const seen = sources.filter((source) => rule.looksAt(source.path));
      const found = checkRule(rule, sources).map(inWords);
      expect(found).toEqual([]);
      if (!NOTHING_YET.has(rule.name)) expect(seen, "a rule that sees no file").not.toEqual([]);
    });
  }

  test("looks at this file too", () => {
    expect(sources.map((source) => source.path)).toContain("tools/tidy.test.ts");
  });
});
