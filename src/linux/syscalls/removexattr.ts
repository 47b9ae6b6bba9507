/** removexattr(2), fremovexattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_removexattr. */

import { isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { type Named, named, xattrClass } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const removexattr = systemCall(
  "removexattr",
  ["inodePermission", "inodeRemovexattr"],
  (kernel, by, { name, ...of }: Named & { readonly name: string }) => {
    const inode = named(kernel, by, of);
    if (isErrno(inode)) return inode;
    const { security } = kernel;
    const asks = xattrClass(inode, name);
    if (isErrno(asks)) return asks;
    const refused =
      (asks === "user" ? security.inodePermission(by, inode, MAY.WRITE) : null) ??
      security.inodeRemovexattr(by, inode, name);
    if (refused !== null) return refused;
    const rest = inode.xattrs.filter((one) => one.name !== name);
    if (rest.length === inode.xattrs.length) return "ENODATA";
    inode.xattrs = rest;
    return 0;
  },
);
