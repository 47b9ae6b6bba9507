/** rmdir(2). Linux, fs/namei.c, vfs_rmdir. */

import { isErrno } from "../errno.ts";
import { remove } from "../fs/names.ts";
import { lookUpPlace, mayChange } from "../fs/path-lookup.ts";
import { type OnPath, systemCall } from "./system-call.ts";

export const rmdir = systemCall(
  "rmdir",
  ["inodePermission", "inodeRmdir"],
  (kernel, by, { path }: OnPath) => {
    const place = lookUpPlace(kernel, by, path);
    if (isErrno(place)) return place;
    const { inode } = place;
    if (inode === null) return "ENOENT";
    // A file system is mounted there.
    if (inode.superblock !== place.superblock.id) return "EBUSY";
    const denied = mayChange(kernel, by, place.directory);
    if (denied !== null) return denied;
    if (inode.kind !== "directory") return "ENOTDIR";
    const refused = kernel.security.inodeRmdir(by, place, inode);
    if (refused !== null) return refused;
    if (inode.entries.length > 0) return "ENOTEMPTY";
    remove(kernel, place, inode);
    return 0;
  },
);
