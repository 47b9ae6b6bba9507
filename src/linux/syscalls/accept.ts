/** accept(2). Linux, net/socket.c, do_accept. */

import { isErrno } from "../errno.ts";
import { O } from "../fs/file.ts";
import { socketAt, socketOf } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const accept = systemCall("accept", ["socketAccept"], (kernel, by, { fd }: OnDescriptor) => {
  const socket = socketAt(kernel, by, fd);
  if (isErrno(socket)) return socket;
  const refused = kernel.security.socketAccept(by, socket);
  if (refused !== null) return refused;
  if (socket.state !== "listening") return "EINVAL";
  const [waiting, ...rest] = socket.backlog;
  if (waiting === undefined) return "EAGAIN";
  socket.backlog = rest;
  const inode = kernel.newSocketInode(waiting);
  kernel.security.sockGraft(socketOf(kernel, waiting), inode);
  return kernel.install(by, kernel.newFile(by, inode, "", O.RDWR).number);
});
