/** Error numbers of system calls: Linux, include/uapi/asm-generic/errno-base.h. */

export const ERRNO = {
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  ERANGE: 34,
} as const;

export type Errno = keyof typeof ERRNO;

export const isErrno = (value: unknown): value is Errno =>
  typeof value === "string" && value in ERRNO;
