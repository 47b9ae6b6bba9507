/** ftruncate(2). Linux, fs/open.c, do_sys_ftruncate. */

import { isErrno } from "../errno.ts";
import { truncateContent } from "../fs/content.ts";
import { isWritable } from "../fs/file.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const ftruncate = systemCall(
  "ftruncate",
  ["inodeSetattr"],
  (kernel, by, { fd, size }: OnDescriptor & { readonly size: number }) => {
    const opened = kernel.opened(by, fd);
    if (isErrno(opened)) return opened;
    const { file, inode } = opened;
    if (!Number.isSafeInteger(size) || size < 0) return "EINVAL";
    if (inode.kind !== "file" || inode.disk !== null || !isWritable(file)) return "EINVAL";
    return kernel.security.inodeSetattr(by, inode) ?? truncateContent(inode, size) ?? 0;
  },
);
