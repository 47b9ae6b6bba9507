/** rename(2). Linux, fs/namei.c, vfs_rename. */

import { type Errno, isErrno } from "../errno.ts";
import type { Inode } from "../fs/inode.ts";
import { enter, remove } from "../fs/names.ts";
import { entryOf, lookUpPlace, mayChange } from "../fs/path-lookup.ts";
import type { Kernel } from "../kernel.ts";
import { systemCall } from "./system-call.ts";

export const rename = systemCall(
  "rename",
  ["inodePermission", "inodeRename"],
  (kernel, by, paths: { readonly from: string; readonly to: string }) => {
    const from = lookUpPlace(kernel, by, paths.from);
    if (isErrno(from)) return from;
    const to = lookUpPlace(kernel, by, paths.to);
    if (isErrno(to)) return to;
    const [inode, replaced] = [from.inode, to.inode];
    if (from.superblock.id !== to.superblock.id) return "EXDEV";
    if (inode === null) return "ENOENT";
    if (inode.superblock !== from.superblock.id) return "EBUSY";
    if (replaced !== null && replaced.superblock !== to.superblock.id) return "EBUSY";
    if (isWithin(kernel, inode, to.directory)) return "EINVAL";
    if (replaced === inode) return 0;
    const refused =
      mayChange(kernel, by, from.directory) ??
      mayChange(kernel, by, to.directory) ??
      conflict(inode, replaced) ??
      kernel.security.inodeRename(by, from, inode, to, replaced);
    if (refused !== null) return refused;
    if (replaced !== null && replaced.entries.length > 0) return "ENOTEMPTY";
    if (replaced !== null) remove(kernel, to, replaced);
    enter(to, inode);
    from.directory.entries = from.directory.entries.filter(
      ({ name }) => name !== from.name || (to.directory === from.directory && name === to.name),
    );
    inode.links -= 1;
    return 0;
  },
);

function conflict(inode: Inode, replaced: Inode | null): Errno | null {
  if (replaced === null || inode.kind === replaced.kind) return null;
  if (inode.kind === "directory") return "ENOTDIR";
  return replaced.kind === "directory" ? "EISDIR" : null;
}

/** Whether a directory is another or lies in it. */
function isWithin(kernel: Kernel, outer: Inode, directory: Inode): boolean {
  if (outer === directory) return true;
  return outer.entries.some(({ name }) => {
    const entry = entryOf(kernel, outer, name);
    return entry !== null && isWithin(kernel, entry, directory);
  });
}
