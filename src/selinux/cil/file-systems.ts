/** fsuse and genfscon: how files of a file system get their labels. CIL Reference Guide, "File Labeling Statements". */

import type { GenfsContext } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import { contextOf } from "./contexts.ts";
import type { Form } from "./forms.ts";
import { atomOf, type Statements, wordOf } from "./statement.ts";

/** As the format has them: SECURITY_FS_USE_XATTR and its neighbours. */
const BEHAVIORS = { xattr: 1, trans: 2, task: 3 } as const;

/** Kinds of files in statements, and their classes. */
export const FILE_KINDS = {
  any: null,
  file: "file",
  dir: "dir",
  char: "chr_file",
  block: "blk_file",
  socket: "sock_file",
  pipe: "fifo_file",
  symlink: "lnk_file",
} as const;
export type FileKind = keyof typeof FILE_KINDS;
export const FILE_KIND_NAMES = Object.keys(FILE_KINDS) as readonly FileKind[];

export const FILE_SYSTEM_STATEMENTS: Statements = {
  fsuse: {
    phase: "rule",
    form: "(fsuse xattr|trans|task file_system context)",
    operands: [3, 3],
    compile: (c, [way, name, form], statement) => {
      const behavior = BEHAVIORS[wordOf(c, way as Form, ["xattr", "trans", "task"])];
      const context = contextOf(c, form as Form);
      const { text } = atomOf(c, name, statement);
      if (c.isNewLabel(`fsuse ${behavior} ${text}`, [context], statement)) {
        c.objects.fsUses.push({ behavior, name: text, context });
      }
    },
  },
  genfscon: {
    phase: "rule",
    form: "(genfscon file_system path [kind] context)",
    operands: [3, 4],
    compile: (c, [filesystem, path, kind, last], statement) => {
      const name = last === undefined ? null : FILE_KINDS[wordOf(c, kind as Form, FILE_KIND_NAMES)];
      const tclass =
        name === null ? 0 : c.classes.find({ at: statement.at, text: name }, statement).value;
      const system = atomOf(c, filesystem, statement).text;
      const { text } = atomOf(c, path, statement);
      const context = contextOf(c, (last ?? kind) as Form);
      if (c.isNewLabel(`genfscon ${system} ${tclass} ${text}`, [context], statement)) {
        c.genfs.push({ filesystem: system, path: { path: text, class: tclass, context } });
      }
    },
  },
};

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** One entry for each file system, by name, and their paths in order: the kernel sorts them by length itself. */
export function genfsOf(c: Compilation): readonly GenfsContext[] {
  const byName = new Map<string, GenfsContext["paths"][number][]>();
  for (const { filesystem, path } of c.genfs) {
    const paths = byName.get(filesystem);
    if (paths === undefined) byName.set(filesystem, [path]);
    else paths.push(path);
  }
  return [...byName]
    .sort(([a], [b]) => compare(a, b))
    .map(([filesystem, paths]) => ({
      filesystem,
      paths: paths.sort((a, b) => compare(b.path.length, a.path.length) || compare(a.path, b.path)),
    }));
}
