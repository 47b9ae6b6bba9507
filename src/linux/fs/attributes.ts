/** What stat(2) tells of an inode: Linux, fs/stat.c, vfs_getattr. */

import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { sizeOf } from "./content.ts";
import type { Inode, InodeKind } from "./inode.ts";

export interface Attributes {
  readonly ino: number;
  readonly kind: InodeKind;
  readonly size: number;
  readonly nlink: number;
}

export function attributesOf(kernel: Kernel, by: Process, inode: Inode): Attributes | Errno {
  const refused = kernel.security.inodeGetattr(by, inode);
  const { number, kind, links } = inode;
  return refused ?? { ino: number, kind, size: sizeOf(inode, kernel.disks), nlink: links };
}
