/** filecon: which label a path has when a file system is labelled. libselinux, selabel_file(5) and label_file.c's order of matches. */

import type { Context } from "../policydb/policy.ts";
import { contextOf } from "./contexts.ts";
import { FILE_KIND_NAMES, type FileKind } from "./file-systems.ts";
import { type Form, isList } from "./forms.ts";
import { atomOf, type Statements, wordOf } from "./statement.ts";

export interface FileContext {
  /** A regular expression for the whole path. */
  readonly path: string;
  readonly kind: FileKind;
  /** Null: such files keep what they have. */
  readonly context: Context | null;
}

export const FILE_CONTEXT_STATEMENTS: Statements = {
  filecon: {
    phase: "rule",
    form: "(filecon path kind context)",
    operands: [3, 3],
    compile: (c, [name, kindName, form], statement) => {
      const path = atomOf(c, name, statement);
      const kind = wordOf(c, kindName as Form, FILE_KIND_NAMES);
      const isNone = isList(form) && form.items.length === 0;
      if (patternOf(path.text) === null) c.fail(path, "expected a regular expression");
      const context = isNone ? null : contextOf(c, form as Form);
      if (c.isNewLabel(`filecon ${kind} ${path.text}`, [context], statement)) {
        c.fileContexts.push({ path: path.text, kind, context });
      }
    },
  },
};

/** Null when it is no regular expression. */
function patternOf(path: string): RegExp | null {
  try {
    return new RegExp(`^(?:${path})$`, "s");
  } catch {
    return null;
  }
}

interface Measured {
  readonly entry: FileContext;
  readonly pattern: RegExp;
  /** It has characters of regular expressions. */
  readonly isPattern: boolean;
  /** Characters before the first of them. */
  readonly stem: number;
  readonly length: number;
}

const META = /[.^$?*+|[({]/;

function measure(entry: FileContext): Measured {
  const plain = entry.path.replace(/\\(.)/gs, "_");
  const meta = plain.search(META);
  return {
    entry,
    pattern: patternOf(entry.path) ?? /^$/,
    isPattern: meta >= 0,
    stem: meta >= 0 ? meta : plain.length,
    length: plain.length,
  };
}

/** The later of two that match is taken: a path before a pattern, a longer stem before a shorter one, then the longer text, then a kind before any. */
function compare(a: Measured, b: Measured): number {
  if (a.isPattern !== b.isPattern) return a.isPattern ? -1 : 1;
  return (
    a.stem - b.stem ||
    a.length - b.length ||
    FILE_KIND_NAMES.indexOf(a.entry.kind) - FILE_KIND_NAMES.indexOf(b.entry.kind) ||
    (a.entry.path < b.entry.path ? -1 : 1)
  );
}

/** Labels of paths. */
export class FileContexts {
  readonly #sorted: readonly Measured[];

  constructor(entries: readonly FileContext[]) {
    this.#sorted = entries.map(measure).sort((a, b) => compare(b, a));
  }

  /** Null when none is said, or when it is said that there is none. */
  contextOf(path: string, kind: Exclude<FileKind, "any">): Context | null {
    const found = this.#sorted.find(
      ({ entry, pattern }) => (entry.kind === "any" || entry.kind === kind) && pattern.test(path),
    );
    return found?.entry.context ?? null;
  }
}
