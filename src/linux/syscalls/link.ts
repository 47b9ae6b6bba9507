/** link(2). Linux, fs/namei.c, vfs_link. */

import { isErrno } from "../errno.ts";
import { enter } from "../fs/names.ts";
import { lookUp, lookUpPlace, mayChange } from "../fs/path-lookup.ts";
import { systemCall } from "./system-call.ts";

export const link = systemCall(
  "link",
  ["inodePermission", "inodeLink"],
  (kernel, by, { from, to }: { readonly from: string; readonly to: string }) => {
    const inode = lookUp(kernel, by, from);
    if (isErrno(inode)) return inode;
    const place = lookUpPlace(kernel, by, to);
    if (isErrno(place)) return place === "EBUSY" ? "EEXIST" : place;
    if (place.inode !== null) return "EEXIST";
    if (place.superblock.id !== inode.superblock) return "EXDEV";
    const denied = mayChange(kernel, by, place.directory);
    if (denied !== null) return denied;
    if (inode.kind === "directory") return "EPERM";
    const refused = kernel.security.inodeLink(by, inode, place);
    if (refused !== null) return refused;
    enter(place, inode);
    return 0;
  },
);
