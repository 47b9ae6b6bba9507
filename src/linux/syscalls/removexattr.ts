/** removexattr(2), fremovexattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_removexattr. */

import { isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { type Named, xattrPermission } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const removexattr = systemCall(
  "removexattr",
  ["inodePermission", "inodeRemovexattr"],
  (kernel, by, { name, ...of }: Named & { readonly name: string }) => {
    const inode = xattrPermission(kernel, by, of, name, MAY.WRITE);
    if (isErrno(inode)) return inode;
    const refused = kernel.security.inodeRemovexattr(by, inode, name);
    if (refused !== null) return refused;
    const rest = inode.xattrs.filter((one) => one.name !== name);
    if (rest.length === inode.xattrs.length) return "ENODATA";
    inode.xattrs = rest;
    return 0;
  },
);
