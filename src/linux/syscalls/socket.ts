/** socket(2): AF_UNIX, SOCK_STREAM. Linux, net/socket.c, __sock_create. */

import { O } from "../fs/file.ts";
import { newSocket } from "../unix/socket.ts";
import { systemCall } from "./system-call.ts";

export const socket = systemCall("socket", ["socketCreate"], (kernel, by, _given: null) => {
  const refused = kernel.security.socketCreate(by);
  if (refused !== null) return refused;
  const inode = kernel.newSocketInode(kernel.newInodeNumber());
  const made = newSocket(inode.number);
  kernel.state.sockets[made.number] = made;
  kernel.security.socketPostCreate(by, inode, made);
  return kernel.install(by, kernel.newFile(by, inode, "", O.RDWR).number);
});
