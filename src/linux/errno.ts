/** Error numbers of system calls: Linux, include/uapi/asm-generic/errno-base.h and errno.h. */

export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EPIPE: 32,
  ERANGE: 34,
  ENOTEMPTY: 39,
  ENODATA: 61,
  ENOTSOCK: 88,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  EISCONN: 106,
  ENOTCONN: 107,
  ECONNREFUSED: 111,
} as const;

export type Errno = keyof typeof ERRNO;

export const isErrno = (value: unknown): value is Errno =>
  typeof value === "string" && value in ERRNO;
