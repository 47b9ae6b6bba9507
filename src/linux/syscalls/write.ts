/** write(2). Linux, fs/read_write.c, rw_verify_area; of a socket, net/socket.c, sock_write_iter. */

import { isErrno } from "../errno.ts";
import { sizeOf, writeContent } from "../fs/content.ts";
import { isWritable, MAY, O } from "../fs/file.ts";
import { send, socketOf } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const write = systemCall(
  "write",
  ["filePermission", "socketSendmsg"],
  (kernel, by, { fd, bytes }: OnDescriptor & { readonly bytes: Uint8Array }) => {
    const opened = kernel.opened(by, fd);
    if (isErrno(opened)) return opened;
    const { file, inode } = opened;
    if (!isWritable(file)) return "EBADF";
    const refused = kernel.security.filePermission(by, opened, MAY.WRITE);
    if (refused !== null) return refused;
    if (inode.kind === "socket") {
      const socket = socketOf(kernel, inode.number);
      const denied = kernel.security.socketSendmsg(by, socket);
      return denied ?? send(kernel, socket, { bytes: bytes.slice(), files: [] });
    }
    if (inode.kind !== "file") return kernel.driverOf(inode)?.write?.(by, file, bytes) ?? "EINVAL";
    if ((file.flags & O.APPEND) !== 0) file.position = sizeOf(inode, kernel.disks);
    const count = writeContent(inode, kernel.disks, file.position, bytes);
    if (!isErrno(count)) file.position += count;
    return count;
  },
);
