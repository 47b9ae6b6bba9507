/** unlink(2). Linux, fs/namei.c, vfs_unlink. */

import { isErrno } from "../errno.ts";
import { remove } from "../fs/names.ts";
import { lookUpPlace, mayChange } from "../fs/path-lookup.ts";
import { type OnPath, systemCall } from "./system-call.ts";

export const unlink = systemCall(
  "unlink",
  ["inodePermission", "inodeUnlink"],
  (kernel, by, { path }: OnPath) => {
    const place = lookUpPlace(kernel, by, path);
    if (isErrno(place)) return place === "EBUSY" ? "EISDIR" : place;
    const { inode } = place;
    if (inode === null) return "ENOENT";
    const denied = mayChange(kernel, by, place.directory);
    if (denied !== null) return denied;
    if (inode.kind === "directory") return "EISDIR";
    const refused = kernel.security.inodeUnlink(by, place, inode);
    if (refused !== null) return refused;
    remove(kernel, place, inode);
    return 0;
  },
);
