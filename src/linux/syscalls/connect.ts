/** connect(2) of a unix stream socket: the node has to grant to be written, and the module is asked about both ends. Linux, net/unix/af_unix.c, unix_stream_connect, unix_find_bsd. */

import { type Errno, isErrno } from "../errno.ts";
import { MAY } from "../fs/file.ts";
import { lookUp } from "../fs/path-lookup.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { socketAt } from "../unix/queues.ts";
import { newSocket, type Socket } from "../unix/socket.ts";
import { type OnDescriptor, type OnPath, systemCall } from "./system-call.ts";

export const connect = systemCall(
  "connect",
  ["socketConnect", "inodePermission", "unixStreamConnect"],
  (kernel, by, { fd, path }: OnDescriptor & OnPath) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const refused = kernel.security.socketConnect(by, socket);
    if (refused !== null) return refused;
    const listening = listeningAt(kernel, by, path);
    if (isErrno(listening)) return listening;
    if (listening.backlog.length > listening.limit) return "EAGAIN";
    if (socket.state !== "unconnected") return socket.state === "connected" ? "EISCONN" : "EINVAL";
    const accepted = newSocket(kernel.newInodeNumber());
    const denied = kernel.security.unixStreamConnect(by, socket, listening, accepted);
    if (denied !== null) return denied;
    kernel.state.sockets[accepted.number] = accepted;
    [socket.state, socket.peer] = ["connected", accepted.number];
    [accepted.state, accepted.peer] = ["connected", socket.number];
    listening.backlog = [...listening.backlog, accepted.number];
    return 0;
  },
);

function listeningAt(kernel: Kernel, by: Process, path: string): Socket | Errno {
  const node = lookUp(kernel, by, path);
  if (isErrno(node)) return node;
  const refused = kernel.security.inodePermission(by, node, MAY.WRITE);
  if (refused !== null) return refused;
  const bound = Object.values(kernel.state.sockets).find(({ boundTo }) => boundTo === node.number);
  return bound?.state === "listening" ? bound : "ECONNREFUSED";
}
