/** execve(2). Linux, fs/exec.c, do_open_execat, begin_new_exec: files that the new domain may not use become /dev/null. What a program does, its arguments and its interpreter are not modelled. */

import { type Errno, isErrno } from "../errno.ts";
import { MAY, O } from "../fs/file.ts";
import { openInode } from "../fs/open-inode.ts";
import { lookUp } from "../fs/path-lookup.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { Program } from "../security/security.ts";
import { type OnPath, systemCall } from "./system-call.ts";

/** TASK_COMM_LEN, without the NUL. */
const COMM_LENGTH = 15;

export const execve = systemCall(
  "execve",
  ["inodePermission", "fileOpen", "bprmCredsForExec", "bprmCommittingCreds"],
  (kernel, by, { path }: OnPath) => {
    const program = programOf(kernel, by, path);
    if (isErrno(program)) return program;
    const refused = kernel.security.bprmCredsForExec(by, program);
    if (refused !== null) return refused;
    for (const mapping of by.mappings) if (mapping.file !== null) kernel.drop(mapping.file);
    by.mappings = [];
    by.descriptors.forEach((one, fd) => one?.closesOnExec === true && kernel.close(by, fd));
    replaceFiles(kernel, by, program);
    by.security = program.security;
    by.isSecure = program.isSecure;
    by.comm = program.inode.name.slice(0, COMM_LENGTH);
    return 0;
  },
);

function programOf(kernel: Kernel, by: Process, path: string): Program | Errno {
  const inode = lookUp(kernel, by, path);
  if (isErrno(inode)) return inode;
  if (inode.kind !== "file") return "EACCES";
  const refused = kernel.security.inodePermission(by, inode, MAY.EXEC);
  if (refused !== null) return refused;
  const file = openInode(kernel, by, inode, { path, flags: O.RDONLY });
  if (isErrno(file)) return file;
  kernel.forgetFile(file);
  const { security } = by;
  return { inode, path, security, isSecure: false, tracer: kernel.tracerOf(by) };
}

/** All by one open file, which the new domain opens; where it may not, they are closed. */
function replaceFiles(kernel: Kernel, by: Process, program: Program): void {
  const lost = by.descriptors.flatMap((one, fd) => {
    if (one === null) return [];
    const opened = kernel.openedOf(one.file);
    return kernel.security.bprmCommittingCreds(by, program, opened) === null ? [] : [fd];
  });
  if (lost.length === 0) return;
  const next = { ...by, security: program.security };
  const file = openInode(kernel, next, kernel.null, { path: "/null", flags: O.RDWR }, by);
  for (const fd of lost) {
    kernel.close(by, fd);
    if (isErrno(file)) continue;
    kernel.take(file.number);
    by.descriptors[fd] = { file: file.number, closesOnExec: false };
  }
}
