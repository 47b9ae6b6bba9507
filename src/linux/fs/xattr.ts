/** Extended attributes, by the classes of xattr(7): Linux, fs/xattr.c, xattr_permission. */

import { type Errno, isErrno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { Inode } from "./inode.ts";
import { lookUp } from "./path-lookup.ts";

export const SECURITY = "security.";

/** A file by its path, or by a descriptor. */
export type Named = { readonly path: string } | { readonly fd: number };

export function named(kernel: Kernel, by: Process, of: Named): Inode | Errno {
  if ("path" in of) return lookUp(kernel, by, of.path);
  const opened = kernel.opened(by, of.fd);
  return isErrno(opened) ? opened : opened.inode;
}

/** Users have attributes on files and directories only, and are asked as for the content. */
export function xattrClass({ kind }: Inode, name: string): "user" | "privileged" | Errno {
  if (name.startsWith(SECURITY) || name.startsWith("trusted.")) return "privileged";
  if (!name.startsWith("user.")) return "EOPNOTSUPP";
  return kind === "file" || kind === "directory" ? "user" : "EPERM";
}
