/** open(2). Linux, fs/namei.c, path_openat, do_open, may_open. */

import { type Errno, isErrno } from "../errno.ts";
import { truncateContent } from "../fs/content.ts";
import { type File, MAY, O } from "../fs/file.ts";
import type { Inode } from "../fs/inode.ts";
import { create } from "../fs/names.ts";
import { openInode } from "../fs/open-inode.ts";
import { lookUp, lookUpPlace, mayChange } from "../fs/path-lookup.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { type OnPath, systemCall } from "./system-call.ts";

type Given = OnPath & { readonly flags: number };

interface Target {
  readonly inode: Inode;
  readonly isNew: boolean;
}

export const open = systemCall(
  "open",
  ["inodePermission", "inodeCreate", "fileOpen", "inodeSetattr"],
  (kernel, by, given: Given) => {
    const target = targetOf(kernel, by, given);
    if (isErrno(target)) return target;
    const { inode, isNew } = target;
    // What was just made is not asked about again.
    const refused = isNew ? null : mayOpen(kernel, by, inode, given.flags);
    if (refused !== null) return refused;
    const file = openInode(kernel, by, inode, given);
    if (isErrno(file)) return file;
    const error = isNew ? null : truncated(kernel, by, inode, file);
    if (error === null) return kernel.install(by, file.number, (given.flags & O.CLOEXEC) !== 0);
    kernel.forgetFile(file);
    return error;
  },
);

function targetOf(kernel: Kernel, by: Process, { path, flags }: Given): Target | Errno {
  if ((flags & O.CREAT) === 0) {
    const inode = lookUp(kernel, by, path);
    return isErrno(inode) ? inode : { inode, isNew: false };
  }
  const found = lookUpPlace(kernel, by, path);
  if (isErrno(found)) return found === "EBUSY" ? "EISDIR" : found;
  const { inode } = found;
  if (inode !== null) {
    if ((flags & O.EXCL) !== 0) return "EEXIST";
    return inode.kind === "directory" ? "EISDIR" : { inode, isNew: false };
  }
  const refused = mayChange(kernel, by, found.directory) ?? kernel.security.inodeCreate(by, found);
  return refused ?? { inode: create(kernel, by, found, "file"), isNew: true };
}

function mayOpen(kernel: Kernel, by: Process, inode: Inode, flags: number): Errno | null {
  const access =
    [MAY.READ, MAY.WRITE, MAY.READ | MAY.WRITE, MAY.READ | MAY.WRITE][flags & O.ACCMODE] ?? 0;
  const truncates = (flags & O.TRUNC) === 0 ? 0 : MAY.WRITE;
  const appends = (flags & O.APPEND) === 0 ? 0 : MAY.APPEND;
  const mask = access | truncates | appends;
  if (inode.kind === "directory" && (mask & MAY.WRITE) !== 0) return "EISDIR";
  return kernel.security.inodePermission(by, inode, mask);
}

function truncated(kernel: Kernel, by: Process, inode: Inode, { flags }: File): Errno | null {
  if ((flags & O.TRUNC) === 0 || inode.kind !== "file" || inode.disk !== null) return null;
  return kernel.security.inodeSetattr(by, inode) ?? truncateContent(inode, 0);
}
