/** Labels of new inodes and file systems: what the task said, a transition, or what the policy says of the file system. Linux, security/selinux/hooks.c, selinux_determine_inode_label, inode_doinit_with_dentry, sb_finish_set_opts. */

import type { Inode, InodeKind, Superblock } from "../../linux/fs/inode.ts";
import { putXattr } from "../../linux/fs/xattr.ts";
import type { Place, SecurityModule } from "../../linux/security/security.ts";
import type { SecurityServer, Sid } from "../security-server.ts";
import { classOf, sidBlob, sidOf, type TaskLabel, taskLabel, taskOf } from "./labels.ts";

type Hooks = Pick<SecurityModule, "sbKernMount" | "inodeInitSecurity" | "dInstantiate">;

export const NAME = "selinux";
export const XATTR = `security.${NAME}`;

export const newInodeHooks = (server: SecurityServer): Hooks => ({
  sbKernMount(superblock) {
    superblock.security = sidBlob(server.fsUse(superblock.type).sid);
    return null;
  },

  inodeInitSecurity(by, place, inode) {
    const sid = newInodeSid(server, taskOf(by), place, inode.kind);
    label(server, inode, place.superblock, sid ?? server.initialSid("unlabeled"));
    return null;
  },

  dInstantiate(by, inode, superblock, path) {
    const task = by === null ? taskLabel(server.initialSid("kernel")) : taskOf(by);
    inode.security = sidBlob(foundSid(server, task.sid, inode, superblock, path));
    return null;
  },
});

/** Whether labels of single files can be kept: SBLABEL_MNT. */
export function keepsLabels(server: SecurityServer, { type }: Superblock): boolean {
  const { behavior } = server.fsUse(type);
  return behavior === "xattr" || behavior === "transition" || behavior === "task";
}

/** Null when it would not be valid. */
export function newInodeSid(
  server: SecurityServer,
  { sid, create }: TaskLabel,
  { directory, superblock, name }: Place,
  kind: InodeKind,
): Sid | null {
  if (create !== 0 && keepsLabels(server, superblock)) return create;
  return server.transition(sid, sidOf(directory), classOf(kind), name);
}

function label(server: SecurityServer, inode: Inode, superblock: Superblock, sid: Sid): void {
  inode.security = sidBlob(sid);
  if (!keepsLabels(server, superblock)) return;
  putXattr(inode, XATTR, server.contextOf(sid));
}

function foundSid(
  server: SecurityServer,
  task: Sid,
  inode: Inode,
  { type }: Superblock,
  path: string,
): Sid {
  if (type === "selinuxfs" && path === "/null") return server.initialSid("devnull");
  const { behavior, sid } = server.fsUse(type);
  const tclass = classOf(inode.kind);
  switch (behavior) {
    case "xattr": {
      const kept = inode.xattrs.find(({ name }) => name === XATTR)?.value;
      if (kept === undefined) return server.initialSid("file");
      return server.sidOf(kept) ?? server.initialSid("unlabeled");
    }
    case "transition":
      return server.transition(task, sid, tclass) ?? server.initialSid("unlabeled");
    case "task":
      return task;
    case "genfs":
      return server.genfsSid(type, path, tclass);
    case "native":
    case "none":
      return sid;
  }
}
