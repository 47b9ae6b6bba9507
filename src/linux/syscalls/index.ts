/** Every system call: one that is not here cannot be called. Linux, man 2 syscalls. */

import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import { accept } from "./accept.ts";
import { bind } from "./bind.ts";
import { close } from "./close.ts";
import { connect } from "./connect.ts";
import { dup } from "./dup.ts";
import { execve } from "./execve.ts";
import { exit } from "./exit.ts";
import { fork } from "./fork.ts";
import { fstat } from "./fstat.ts";
import { ftruncate } from "./ftruncate.ts";
import { getprocattr } from "./getprocattr.ts";
import { getsockopt } from "./getsockopt.ts";
import { getxattr } from "./getxattr.ts";
import { ioctl } from "./ioctl.ts";
import { kill } from "./kill.ts";
import { link } from "./link.ts";
import { listen } from "./listen.ts";
import { listxattr } from "./listxattr.ts";
import { lseek } from "./lseek.ts";
import { memfd_create } from "./memfd_create.ts";
import { mkdir } from "./mkdir.ts";
import { mknod } from "./mknod.ts";
import { mmap } from "./mmap.ts";
import { mprotect } from "./mprotect.ts";
import { munmap } from "./munmap.ts";
import { open } from "./open.ts";
import { ptrace } from "./ptrace.ts";
import { read } from "./read.ts";
import { recvmsg } from "./recvmsg.ts";
import { removexattr } from "./removexattr.ts";
import { rename } from "./rename.ts";
import { rmdir } from "./rmdir.ts";
import { sendmsg } from "./sendmsg.ts";
import { setprocattr } from "./setprocattr.ts";
import { setxattr } from "./setxattr.ts";
import { socket } from "./socket.ts";
import { stat } from "./stat.ts";
import { unlink } from "./unlink.ts";
import { write } from "./write.ts";
import type { SystemCall } from "./system-call.ts";

const ROWS = {
  accept,
  bind,
  close,
  connect,
  dup,
  execve,
  exit,
  fork,
  fstat,
  ftruncate,
  getprocattr,
  getsockopt,
  getxattr,
  ioctl,
  kill,
  link,
  listen,
  listxattr,
  lseek,
  memfd_create,
  mkdir,
  mknod,
  mmap,
  mprotect,
  munmap,
  open,
  ptrace,
  read,
  recvmsg,
  removexattr,
  rename,
  rmdir,
  sendmsg,
  setprocattr,
  setxattr,
  socket,
  stat,
  unlink,
  write,
} as const;

type Rows = typeof ROWS;
export type CallName = keyof Rows;
export type Given<N extends CallName> = Parameters<Rows[N]["run"]>[2];
export type Answer<N extends CallName> = ReturnType<Rows[N]["run"]>;

export const SYSTEM_CALLS: Readonly<Record<CallName, Omit<SystemCall<never, unknown>, "run">>> =
  ROWS;

/** By a process that is not over; else ESRCH. */
export function call<N extends CallName>(
  kernel: Kernel,
  pid: number,
  name: N,
  given: Given<N>,
): Answer<N> | Errno {
  const by = kernel.process(pid);
  if (by === null) return "ESRCH";
  const row = ROWS[name] as unknown as SystemCall<Given<N>, Answer<N>>;
  return row.run(kernel, by, given);
}
