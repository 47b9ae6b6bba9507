/** recvmsg(2) with open files: the first that the receiver may not have, and those after it, are not received. Linux, net/core/scm.c, scm_detach_fds. */

import { isErrno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { dropFiles, receive, socketAt } from "../unix/queues.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export interface Received {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
  /** MSG_CTRUNC: there were more. */
  readonly isTruncated: boolean;
}

export const recvmsg = systemCall(
  "recvmsg",
  ["socketRecvmsg", "fileReceive"],
  (kernel, by, { fd, count }: OnDescriptor & { readonly count: number }) => {
    const socket = socketAt(kernel, by, fd);
    if (isErrno(socket)) return socket;
    const message = kernel.security.socketRecvmsg(by, socket) ?? receive(kernel, socket, count);
    if (isErrno(message)) return message;
    const { bytes, files } = message;
    const fds = installed(kernel, by, files);
    dropFiles(kernel, message);
    const received: Received = { bytes, fds, isTruncated: fds.length < files.length };
    return received;
  },
);

function installed(kernel: Kernel, by: Process, files: readonly number[]): readonly number[] {
  const fds: number[] = [];
  for (const file of files) {
    const refused = kernel.security.fileReceive(by, kernel.openedOf(file));
    const descriptor = refused ?? kernel.install(by, file);
    if (isErrno(descriptor)) break;
    fds.push(descriptor);
  }
  return fds;
}
