/** lseek(2): nobody is asked. From the beginning of the file only. */

import { isErrno } from "../errno.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const lseek = systemCall(
  "lseek",
  [],
  (kernel, by, { fd, offset }: OnDescriptor & { readonly offset: number }) => {
    const opened = kernel.opened(by, fd);
    if (isErrno(opened)) return opened;
    const { file, inode } = opened;
    if (inode.kind === "socket" || inode.kind === "fifo") return "ESPIPE";
    if (!Number.isSafeInteger(offset) || offset < 0) return "EINVAL";
    file.position = offset;
    return offset;
  },
);
