/** read(2). Linux, fs/read_write.c, rw_verify_area; of a socket, net/socket.c, sock_read_iter. */

import { isErrno } from "../errno.ts";
import { readContent } from "../fs/content.ts";
import { isReadable, MAY } from "../fs/file.ts";
import { dropFiles, receive, socketOf } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const read = systemCall(
  "read",
  ["filePermission", "socketRecvmsg"],
  (kernel, by, { fd, count }: OnDescriptor & { readonly count: number }) => {
    const opened = kernel.opened(by, fd);
    if (isErrno(opened)) return opened;
    const { file, inode } = opened;
    if (!isReadable(file)) return "EBADF";
    const refused = kernel.security.filePermission(by, opened, MAY.READ);
    if (refused !== null) return refused;
    if (inode.kind === "directory") return "EISDIR";
    if (inode.kind === "socket") {
      const socket = socketOf(kernel, inode.number);
      const message = kernel.security.socketRecvmsg(by, socket) ?? receive(kernel, socket, count);
      if (isErrno(message)) return message;
      dropFiles(kernel, message);
      return message.bytes;
    }
    if (inode.kind !== "file") return kernel.driverOf(inode)?.read?.(by, file, count) ?? "EINVAL";
    const bytes = readContent(inode, kernel.disks, file.position, count);
    file.position += bytes.length;
    return bytes;
  },
);
