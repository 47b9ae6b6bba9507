/** bind(2) of a unix socket to a path, where a node is made. Linux, net/unix/af_unix.c, unix_bind_bsd. */

import { isErrno } from "../errno.ts";
import { create } from "../fs/names.ts";
import { lookUpFree } from "../fs/path-lookup.ts";
import { socketAt } from "../unix/queues.ts";
import { type OnDescriptor, type OnPath, systemCall } from "./system-call.ts";

export const bind = systemCall(
  "bind",
  ["socketBind", "inodePermission", "inodeMknod"],
  (kernel, by, { fd, path }: OnDescriptor & OnPath) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const { security } = kernel;
    const refused = security.socketBind(by, socket);
    if (refused !== null) return refused;
    const place = lookUpFree(kernel, by, path);
    if (isErrno(place)) return place === "EEXIST" ? "EADDRINUSE" : place;
    const denied = security.inodeMknod(by, place, "socket-node");
    if (denied !== null) return denied;
    if (socket.boundTo !== null) return "EINVAL";
    socket.boundTo = create(kernel, by, place, "socket-node").number;
    return 0;
  },
);
