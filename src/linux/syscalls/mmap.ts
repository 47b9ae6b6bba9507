/** mmap(2). Linux, mm/util.c, vm_mmap_pgoff; mm/mmap.c, do_mmap. The kernel chooses the address. */

import { type Errno, isErrno } from "../errno.ts";
import { isReadable, isWritable } from "../fs/file.ts";
import { addMapping } from "../mm/mappings.ts";
import { PROT } from "../mm/mapping.ts";
import type { Opened } from "../security/security.ts";
import { systemCall } from "./system-call.ts";

export interface Given {
  /** Null for anonymous memory. */
  readonly fd: number | null;
  readonly bytes: number;
  readonly offset: number;
  readonly prot: number;
  readonly isShared: boolean;
}

const MOST_BYTES = 1 << 26;

export const mmap = systemCall("mmap", ["mmapFile"], (kernel, by, given: Given) => {
  const { fd, bytes, prot, isShared } = given;
  const opened = fd === null ? null : kernel.opened(by, fd);
  if (isErrno(opened)) return opened;
  const refused = kernel.security.mmapFile(by, opened, prot, isShared);
  if (refused !== null) return refused;
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes > MOST_BYTES) return "EINVAL";
  const error = opened === null ? null : mismatch(opened, prot, isShared);
  return error ?? addMapping(kernel, by, { ...given, file: opened?.file.number ?? null });
});

function mismatch({ file, inode }: Opened, prot: number, isShared: boolean): Errno | null {
  if (!isReadable(file)) return "EACCES";
  if (isShared && (prot & PROT.WRITE) !== 0 && !isWritable(file)) return "EACCES";
  return inode.kind === "file" && inode.disk === null ? null : "ENODEV";
}
