/** getxattr(2), fgetxattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_getxattr; Documentation, xattr(7). */

import { isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { type Named, SECURITY, xattrPermission } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const getxattr = systemCall(
  "getxattr",
  ["inodePermission", "inodeGetxattr"],
  (kernel, by, { name, ...of }: Named & { readonly name: string }) => {
    const inode = xattrPermission(kernel, by, of, name, MAY.READ);
    if (isErrno(inode)) return inode;
    const { security } = kernel;
    const refused = security.inodeGetxattr(by, inode, name);
    if (refused !== null) return refused;
    const kept = inode.xattrs.find((one) => one.name === name)?.value;
    const own = name.startsWith(SECURITY)
      ? security.inodeGetsecurity(inode, name.slice(SECURITY.length))
      : null;
    return { value: own ?? kept ?? null };
  },
);
