/** Relabelling, and other extended attributes. Linux, security/selinux/hooks.c, selinux_inode_setxattr and its neighbours. A context that the policy does not have is refused to all: CAP_MAC_ADMIN is nobody's. */

import type { Inode, Superblock } from "../../linux/fs/inode.ts";
import type { Process } from "../../linux/process.ts";
import type { Refusal, SecurityModule } from "../../linux/security/security.ts";
import type { Checks } from "./checks.ts";
import { classOf, nodeData, sidBlob, sidOf, subjectOf } from "./labels.ts";
import { keepsLabels, NAME, XATTR } from "./new-inode.ts";

type Hooks = Pick<
  SecurityModule,
  | "inodeGetxattr"
  | "inodeSetxattr"
  | "inodeRemovexattr"
  | "inodeListxattr"
  | "inodePostSetxattr"
  | "inodeGetsecurity"
>;

export const xattrHooks = (checks: Checks): Hooks => ({
  inodeGetxattr: (by, inode) => checks.inode(by, inode, ["getattr"]),
  inodeListxattr: (by, inode) => checks.inode(by, inode, ["getattr"]),
  inodeSetxattr: (by, inode, superblock, name, value) =>
    name === XATTR
      ? relabel(checks, by, inode, superblock, value)
      : checks.inode(by, inode, ["setattr"]),
  // A label is never taken away.
  inodeRemovexattr: (by, inode, name) =>
    name === XATTR ? "EACCES" : checks.inode(by, inode, ["setattr"]),

  inodePostSetxattr(inode, name, value) {
    const sid = name === XATTR ? checks.server.sidOf(value) : null;
    if (sid !== null) inode.security = sidBlob(sid);
    return null;
  },

  inodeGetsecurity: (inode, name) => (name === NAME ? checks.server.contextOf(sidOf(inode)) : null),
});

function relabel(
  checks: Checks,
  by: Process,
  inode: Inode,
  superblock: Superblock,
  context: string,
): Refusal {
  const { server } = checks;
  if (!keepsLabels(server, superblock)) return "EOPNOTSUPP";
  const tclass = classOf(inode.kind);
  const [old, data] = [sidOf(inode), nodeData(inode)];
  const refused = checks.ask(by, old, tclass, ["relabelfrom"], data);
  if (refused !== null) return refused;
  const sid = server.sidOf(context);
  if (sid === null) return "EINVAL";
  return (
    checks.ask(by, sid, tclass, ["relabelto"], data) ??
    server.validateTransition(old, sid, sidOf(by), tclass) ??
    server.check(sid, sidOf(superblock), "filesystem", ["associate"], subjectOf(by), data)
  );
}
