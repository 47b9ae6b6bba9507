/** Every file of laws is listed in properties/index.ts, so that the command runs what the tests run. */

import { importsOf, resolveImport } from "./imports.ts";
import { type Finding, findingAt, type Rule } from "./source.ts";

const INDEX = "properties/index.ts";
const isLaws = (path: string): boolean => /^properties\/.*\.property\.ts$/.test(path);

export const lawsIndex: Rule = {
  name: "laws index",
  looksAt: (path) => path === INDEX,
  check: (source, everything) => {
    const files = new Set(everything.map(({ path }) => path).filter(isLaws));
    const seen = new Set<string>();
    const findings: Finding[] = [];
    for (const { specifier, offset } of importsOf(source)) {
      const target = resolveImport(INDEX, specifier ?? "");
      if (target === undefined || !isLaws(target)) continue;
      if (seen.has(target)) findings.push(findingAt(source, offset, `lists ${target} twice`));
      if (!files.has(target)) findings.push(findingAt(source, offset, `${target} does not exist`));
      seen.add(target);
    }
    for (const path of files) {
      if (!seen.has(path)) findings.push(findingAt(source, 0, `does not import ${path}`));
    }
    return findings;
  },
};

/** With laws there is an index. */
export const lawsHaveAnIndex: Rule = {
  name: "laws have an index",
  looksAt: isLaws,
  check: (source, everything): readonly Finding[] =>
    everything.some(({ path }) => path === INDEX)
      ? []
      : [findingAt(source, 0, `${INDEX} does not exist`)],
};
