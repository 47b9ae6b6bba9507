/** Questions that several hooks ask. Linux, security/selinux/hooks.c, inode_has_perm, file_has_perm, ioctl_has_perm. */

import { isReadable, isWritable, MAY, O } from "../../linux/fs/file.ts";
import type { File } from "../../linux/fs/file.ts";
import type { Inode } from "../../linux/fs/inode.ts";
import type { Process } from "../../linux/process.ts";
import type { Opened, Refusal } from "../../linux/security/security.ts";
import type { AuditData, SecurityServer, Sid } from "../security-server.ts";
import { classOf, fileOf, nodeData, pathData, sidOf, subjectOf } from "./labels.ts";

export class Checks {
  readonly server: SecurityServer;

  constructor(server: SecurityServer) {
    this.server = server;
  }

  /** Of a process by itself. */
  self(by: Process, tclass: string, ...permissions: string[]): Refusal {
    const sid = sidOf(by);
    return this.ask(by, sid, tclass, permissions, []);
  }

  ask(
    by: Process,
    target: Sid,
    tclass: string,
    permissions: readonly string[],
    data: AuditData,
  ): Refusal {
    return this.server.check(sidOf(by), target, tclass, permissions, subjectOf(by), data);
  }

  inode(
    by: Process,
    inode: Inode,
    permissions: readonly string[],
    data = nodeData(inode),
  ): Refusal {
    if (inode.isPrivate) return null;
    return this.ask(by, sidOf(inode), classOf(inode.kind), permissions, data);
  }

  /** Whoever did not open it needs the right to use the descriptor. */
  descriptor(by: Process, { file, inode }: Opened): Refusal {
    const { sid } = fileOf(file);
    if (sid === sidOf(by)) return null;
    return this.ask(by, sid, "fd", ["use"], pathData(file.path, inode));
  }

  /** Without permissions, only the descriptor. */
  file(by: Process, opened: Opened, permissions: readonly string[]): Refusal {
    const { file, inode } = opened;
    const refused = this.descriptor(by, opened);
    if (refused !== null || permissions.length === 0) return refused;
    return this.inode(by, inode, permissions, pathData(file.path, inode));
  }
}

/** Of a mask of access. */
export function permissionsOf({ kind }: Inode, mask: number): readonly string[] {
  const permissions: string[] = [];
  const isDirectory = kind === "directory";
  if ((mask & MAY.EXEC) !== 0) permissions.push(isDirectory ? "search" : "execute");
  if ((mask & MAY.READ) !== 0) permissions.push("read");
  if (!isDirectory && (mask & MAY.APPEND) !== 0) permissions.push("append");
  else if ((mask & MAY.WRITE) !== 0) permissions.push("write");
  return permissions;
}

/** What an open file is good for. */
export function usesOf(file: File): readonly string[] {
  const permissions: string[] = [];
  if (isReadable(file)) permissions.push("read");
  if (isWritable(file)) permissions.push((file.flags & O.APPEND) === 0 ? "write" : "append");
  return permissions.length === 0 ? ["ioctl"] : permissions;
}
