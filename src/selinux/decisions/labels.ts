/** Contexts that a policy gives to file systems. Linux, security/selinux/ss/services.c, security_fs_use and security_genfs_sid. */

import type { Context } from "../policydb/policy.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Of a file of a file system without labels; null when no prefix of the path has one. */
export declare function genfsContext(
  loaded: LoadedPolicy,
  filesystem: string,
  path: string,
  tclass: number,
): Context | null;

/** How files of a file system get labels. `genfs` comes with the context of its root, `none` with null. */
export declare function fsUse(
  loaded: LoadedPolicy,
  filesystem: string,
): {
  readonly behavior: "xattr" | "transition" | "task" | "genfs" | "none" | "native";
  readonly context: Context | null;
};
