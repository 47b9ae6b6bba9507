/** setxattr(2), fsetxattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_setxattr. */

import { isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { type Named, named, xattrClass } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const setxattr = systemCall(
  "setxattr",
  ["inodePermission", "inodeSetxattr"],
  (
    kernel,
    by,
    { name, value, ...of }: Named & { readonly name: string; readonly value: string },
  ) => {
    const inode = named(kernel, by, of);
    if (isErrno(inode)) return inode;
    const { security } = kernel;
    const asks = xattrClass(inode, name);
    if (isErrno(asks)) return asks;
    const refused =
      (asks === "user" ? security.inodePermission(by, inode, MAY.WRITE) : null) ??
      security.inodeSetxattr(by, inode, kernel.superblockOf(inode), name, value);
    if (refused !== null) return refused;
    inode.xattrs = [...inode.xattrs.filter((one) => one.name !== name), { name, value }];
    security.inodePostSetxattr(inode, name, value);
    return 0;
  },
);
