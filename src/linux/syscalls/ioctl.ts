/** ioctl(2). Linux, fs/ioctl.c. */

import { isErrno } from "../errno.ts";
import type { IoctlArgument } from "../fs/character-device.ts";
import { type OnDescriptor, systemCall } from "./system-call.ts";

export interface Given extends OnDescriptor {
  readonly command: number;
  readonly argument: IoctlArgument;
}

export const ioctl = systemCall(
  "ioctl",
  ["fileIoctl", "tunDevCreate", "tunDevOpen", "tunDevAttach"],
  (kernel, by, { fd, command, argument }: Given) => {
    const opened = kernel.opened(by, fd);
    if (isErrno(opened)) return opened;
    const refused = kernel.security.fileIoctl(by, opened, command);
    if (refused !== null) return refused;
    const driver = kernel.driverOf(opened.inode);
    return driver?.ioctl?.(kernel, by, opened.file, command, argument) ?? "ENOTTY";
  },
);
