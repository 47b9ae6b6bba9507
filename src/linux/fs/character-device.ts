/** What a driver does for a character device: Linux, include/linux/fs.h, struct file_operations. Calls that it lacks give what the kernel gives: EINVAL, or ENOTTY for an ioctl. */

import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { File } from "./file.ts";

export interface CharacterDevice {
  open?(by: Process, file: File): Errno | null;
  read?(by: Process, file: File, count: number): Uint8Array | Errno;
  write?(by: Process, file: File, bytes: Uint8Array): number | Errno;
  ioctl?(
    kernel: Kernel,
    by: Process,
    file: File,
    command: number,
    argument: IoctlArgument,
  ): number | Errno;
  release?(kernel: Kernel, file: File): void;
}

/** A number, or what a pointer leads to. */
export type IoctlArgument = number | string;

/** null(4). */
export const NULL_DEVICE: CharacterDevice = {
  read: () => new Uint8Array(0),
  write: (_by, _file, bytes) => bytes.length,
};
