/** Extended attributes, by the classes of xattr(7): Linux, fs/xattr.c, xattr_permission. */

import { type Errno, isErrno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { MAY } from "./file.ts";
import type { Inode } from "./inode.ts";
import { lookUp } from "./path-lookup.ts";

export const SECURITY = "security.";

/** A file by its path, or by a descriptor. */
export type Named = { readonly path: string } | { readonly fd: number };

/** The file, if an attribute of that name may be there and the task may read or write it (`mask`). */
export function xattrPermission(
  kernel: Kernel,
  by: Process,
  of: Named,
  name: string,
  mask: number,
): Inode | Errno {
  const inode = named(kernel, by, of);
  if (isErrno(inode)) return inode;
  if (name.startsWith(SECURITY) || name.startsWith("trusted.")) return inode;
  if (!name.startsWith("user.")) return "EOPNOTSUPP";
  // Users have attributes on files and directories only, and are asked as for the content.
  const { kind } = inode;
  if (kind !== "file" && kind !== "directory") return mask === MAY.WRITE ? "EPERM" : "ENODATA";
  return kernel.security.inodePermission(by, inode, mask) ?? inode;
}

/** In the place of the one of that name. */
export function putXattr(inode: Inode, name: string, value: string): void {
  inode.xattrs = [...inode.xattrs.filter((one) => one.name !== name), { name, value }];
}

export function named(kernel: Kernel, by: Process, of: Named): Inode | Errno {
  if ("path" in of) return lookUp(kernel, by, of.path);
  const opened = kernel.opened(by, of.fd);
  return isErrno(opened) ? opened : opened.inode;
}
