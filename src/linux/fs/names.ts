/** Names of inodes in directories: Linux, Documentation/filesystems/vfs.rst, "Directory Entry Cache (dcache)". Nobody is asked here. */

import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { Place } from "../security/security.ts";
import type { Inode, NodeKind } from "./inode.ts";

/** A new inode under a name, with the label that the module gives it. */
export function create(
  kernel: Kernel,
  by: Process,
  place: Place,
  kind: NodeKind,
  driver: string | null = null,
): Inode {
  const { superblock, name } = place;
  const inode = kernel.newInode({ superblock: superblock.id, kind, name, driver });
  enter(place, inode);
  kernel.security.inodeInitSecurity(by, place, inode);
  return inode;
}

export function enter({ directory, name }: Pick<Place, "directory" | "name">, inode: Inode): void {
  directory.entries = [...directory.entries, { name, inode: inode.number }];
  inode.name = name;
  inode.links += 1;
}

export function remove(kernel: Kernel, { directory, name }: Place, inode: Inode): void {
  directory.entries = directory.entries.filter((entry) => entry.name !== name);
  inode.links -= 1;
  kernel.forgetIfUnused(inode);
}
