/** setxattr(2), fsetxattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_setxattr. */

import { isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { type Named, putXattr, xattrPermission } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const setxattr = systemCall(
  "setxattr",
  ["inodePermission", "inodeSetxattr"],
  (
    kernel,
    by,
    { name, value, ...of }: Named & { readonly name: string; readonly value: string },
  ) => {
    const inode = xattrPermission(kernel, by, of, name, MAY.WRITE);
    if (isErrno(inode)) return inode;
    const { security } = kernel;
    const refused = security.inodeSetxattr(by, inode, kernel.superblockOf(inode), name, value);
    if (refused !== null) return refused;
    putXattr(inode, name, value);
    security.inodePostSetxattr(inode, name, value);
    return 0;
  },
);
