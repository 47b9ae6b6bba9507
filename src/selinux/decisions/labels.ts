/** Contexts that a policy gives to file systems. Linux, security/selinux/ss/services.c, security_fs_use and __security_genfs_sid. */

import type { Context, GenfsContext } from "../policydb/policy.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Of a file of a file system without labels; null when no prefix of the path has one, and the file is unlabeled. */
export function genfsContext(
  { policy }: LoadedPolicy,
  filesystem: string,
  path: string,
  tclass: number,
): Context | null {
  const single = path.replace(/^\/+/, "/");
  const paths = policy.genfs.find((genfs) => genfs.filesystem === filesystem)?.paths ?? [];
  let longest: GenfsContext["paths"][number] | null = null;
  for (const each of paths)
    if ((each.class === 0 || each.class === tclass) && single.startsWith(each.path))
      if (longest === null || each.path.length > longest.path.length) longest = each;
  return longest?.context ?? null;
}

export interface FsUse {
  readonly behavior: "xattr" | "transition" | "task" | "genfs" | "none" | "native";
  /** Of the file system; null when the policy does not know it. */
  readonly context: Context | null;
}

const BEHAVIORS: ReadonlyMap<number, FsUse["behavior"]> = new Map([
  [1, "xattr"],
  [2, "transition"],
  [3, "task"],
  [4, "genfs"],
  [5, "none"],
  [7, "native"],
]);

/** How files of a file system get labels. `genfs` comes with the context of its root. */
export function fsUse(loaded: LoadedPolicy, filesystem: string): FsUse {
  const use = loaded.policy.objects.fsUses.find(({ name }) => name === filesystem);
  if (use !== undefined)
    return { behavior: BEHAVIORS.get(use.behavior) ?? "none", context: use.context };
  const root = genfsContext(loaded, filesystem, "/", loaded.names.classes.get("dir") ?? 0);
  return { behavior: root === null ? "none" : "genfs", context: root };
}
