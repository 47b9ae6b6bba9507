/** listen(2). Linux, net/unix/af_unix.c, unix_listen. */

import { isErrno } from "../errno.ts";
import { socketAt } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

/** net.core.somaxconn. */
const MOST_WAITING = 4096;

export const listen = systemCall(
  "listen",
  ["socketListen"],
  (kernel, by, { fd, backlog }: OnDescriptor & { readonly backlog: number }) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const refused = kernel.security.socketListen(by, socket);
    if (refused !== null) return refused;
    if (socket.boundTo === null || socket.state === "connected") return "EINVAL";
    socket.state = "listening";
    socket.limit = Math.max(0, Math.min(MOST_WAITING, backlog));
    return 0;
  },
);
