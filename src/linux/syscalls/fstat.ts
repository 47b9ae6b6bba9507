/** fstat(2): asks as stat(2) does, whoever opened the file. Linux, fs/stat.c, vfs_fstat. */

import { isErrno } from "../errno.ts";
import { attributesOf } from "../fs/attributes.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const fstat = systemCall("fstat", ["inodeGetattr"], (kernel, by, { fd }: OnDescriptor) => {
  const opened = kernel.opened(by, fd);
  return isErrno(opened) ? opened : attributesOf(kernel, by, opened.inode);
});
