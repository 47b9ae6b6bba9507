/** An open file of an inode that may be opened: Linux, fs/open.c, do_dentry_open. */

import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { File } from "./file.ts";
import type { Inode } from "./inode.ts";

/** Nobody has it yet: whoever asks takes it. `maker` is the process as it is, where it opens as what it will be. */
export function openInode(
  kernel: Kernel,
  by: Process,
  inode: Inode,
  { path, flags }: { readonly path: string; readonly flags: number },
  maker = by,
): File | Errno {
  if (inode.kind === "socket-node") return "ENXIO";
  const driver = kernel.driverOf(inode);
  if (inode.kind === "character" && driver === null) return "ENXIO";
  const file = kernel.newFile(maker, inode, path, flags);
  const error = kernel.security.fileOpen(by, { file, inode }) ?? driver?.open?.(by, file) ?? null;
  if (error === null) return file;
  kernel.forgetFile(file);
  return error;
}
