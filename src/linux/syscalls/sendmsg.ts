/** sendmsg(2) with open files, SCM_RIGHTS: whoever has a descriptor may send it. Linux, net/core/scm.c, scm_fp_copy. */

import { isErrno } from "../errno.ts";
import { send, socketAt } from "../unix/queues.ts";
import { MOST_PASSED } from "../unix/socket.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export interface Given extends OnDescriptor {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

export const sendmsg = systemCall(
  "sendmsg",
  ["socketSendmsg"],
  (kernel, by, { fd, bytes, fds }: Given) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const refused = kernel.security.socketSendmsg(by, socket);
    if (refused !== null) return refused;
    if (fds.length > MOST_PASSED) return "EINVAL";
    const files: number[] = [];
    for (const passed of fds) {
      const opened = kernel.opened(by, passed);
      if (isErrno(opened)) return opened;
      files.push(opened.file.number);
    }
    return send(kernel, socket, { bytes: bytes.slice(), files });
  },
);
