/** An open file: what open(2) makes and descriptors share. Linux, include/linux/fs.h, struct file; include/uapi/asm-generic/fcntl.h. */

import type { Labelled } from "../security/blob.ts";

export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  CLOEXEC: 0o2000000,
} as const;

/** What is to be done with an inode: include/linux/fs.h. */
export const MAY = { EXEC: 1, WRITE: 2, READ: 4, APPEND: 8 } as const;

export interface File extends Labelled {
  readonly number: number;
  readonly inode: number;
  readonly path: string;
  readonly flags: number;
  position: number;
  /** Descriptors, mappings and messages on their way that have it. */
  references: number;
  /** What the driver of a device keeps with it. */
  private: string | null;
}

/** Flags 3 open for ioctl only. */
export const isReadable = ({ flags }: File): boolean =>
  (flags & O.ACCMODE) === O.RDONLY || (flags & O.ACCMODE) === O.RDWR;
export const isWritable = ({ flags }: File): boolean =>
  (flags & O.ACCMODE) === O.WRONLY || (flags & O.ACCMODE) === O.RDWR;
