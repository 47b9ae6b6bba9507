/** getsockopt(2), SO_PEERSEC: the context of the other end. Linux, net/core/sock.c. */

import { isErrno } from "../errno.ts";
import { socketAt } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export const getsockopt = systemCall(
  "getsockopt",
  ["socketGetsockopt"],
  (kernel, by, { fd }: OnDescriptor) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const refused = kernel.security.socketGetsockopt(by, socket);
    if (refused !== null) return refused;
    const value = kernel.security.socketGetpeersecStream(socket);
    return value === null ? "EINVAL" : { value };
  },
);
