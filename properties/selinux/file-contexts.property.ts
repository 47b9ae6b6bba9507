/** Laws of labels that paths have. */

import fc from "fast-check";
import { fileContexts } from "../../src/selinux/cil/compile.ts";
import { law } from "../support/law.ts";

interface Entry {
  readonly path: string;
  readonly kind: "any" | "file" | "dir";
}

const anyEntries = (): fc.Arbitrary<readonly Entry[]> =>
  fc.uniqueArray(
    fc.record({
      path: fc.constantFrom(
        "/.*",
        "/a",
        "/a/b",
        "/a/b/c",
        "/a(/.*)?",
        "/a/.*",
        "/a/b.*",
        "/a/[bc]",
      ),
      kind: fc.constantFrom("any", "file", "dir"),
    }),
    { selector: ({ path, kind }) => `${path} ${kind}`, minLength: 1, maxLength: 8 },
  );

law("the-most-definite-path-labels-a-file", {
  says: "A path has the label of an entry that matches the whole of it and its kind: one without a pattern if there is any, else one of those whose text before the pattern is longest; it has none when none matches.",
  cites: "libselinux, selabel_file(5) and selabel_lookup(3)",
  forAll: {
    entries: anyEntries(),
    path: fc.constantFrom("/", "/a", "/a/b", "/a/c", "/a/b/c", "/a/bc", "/b"),
    kind: fc.constantFrom("file", "dir"),
  },
  runs: 400,
  holds: ({ entries, path, kind }) => {
    const fitting = entries.filter((entry) => isFitting(entry, path, kind));
    const found = fileContexts(textOf(entries), "small.cil").contextOf(path, kind);
    if (found === null) return fitting.length === 0;
    const chosen = entries[found.type - 1];
    if (chosen === undefined || !fitting.includes(chosen)) return false;
    return fitting.every((other) => {
      if (!isPattern(chosen)) return true;
      return isPattern(other) && stemOf(other) <= stemOf(chosen);
    });
  },
});

// Helpers

/** Each entry gives a type of its own. */
const textOf = (entries: readonly Entry[]): string =>
  [
    "(class file (read)) (classorder (file)) (sensitivity s0) (sensitivityorder (s0))",
    "(user u) (role object_r)",
    ...entries.map(
      ({ path, kind }, i) =>
        `(type t${i}) (filecon "${path}" ${kind} (u object_r t${i} ((s0) (s0))))`,
    ),
  ].join("\n");

const isFitting = ({ path, kind }: Entry, wanted: string, of: string): boolean =>
  (kind === "any" || kind === of) && new RegExp(`^(${path})$`).exec(wanted)?.[0] === wanted;

const stemOf = ({ path }: Entry): number => (/^[a-z/]*/.exec(path)?.[0] ?? "").length;

const isPattern = (entry: Entry): boolean => stemOf(entry) < entry.path.length;
