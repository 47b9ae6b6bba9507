/** stat(2). Linux, fs/stat.c, vfs_getattr. */

import { isErrno } from "../errno.ts";
import { lookUp } from "../fs/path-lookup.ts";
import { attributesOf } from "../fs/attributes.ts";
import { type OnPath, systemCall } from "./system-call.ts";

export const stat = systemCall(
  "stat",
  ["inodePermission", "inodeGetattr"],
  (kernel, by, { path }: OnPath) => {
    const inode = lookUp(kernel, by, path);
    return isErrno(inode) ? inode : attributesOf(kernel, by, inode);
  },
);
