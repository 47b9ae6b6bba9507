/** listxattr(2), flistxattr(2): the file is named by a path or a descriptor. Linux, fs/xattr.c, vfs_listxattr. */

import { isErrno } from "../errno.ts";
import { type Named, named } from "../fs/xattr.ts";
import { systemCall } from "./system-call.ts";

export const listxattr = systemCall(
  "listxattr",
  ["inodePermission", "inodeListxattr"],
  (kernel, by, of: Named) => {
    const inode = named(kernel, by, of);
    if (isErrno(inode)) return inode;
    const refused = kernel.security.inodeListxattr(by, inode);
    return refused ?? inode.xattrs.map(({ name }) => name);
  },
);
