/** Inodes and their names. Linux, security/selinux/hooks.c, selinux_inode_permission, may_create, may_link, may_rename, selinux_inode_setattr. */

import type { Inode, InodeKind } from "../../linux/fs/inode.ts";
import type { Process } from "../../linux/process.ts";
import type { Place, Refusal, SecurityModule } from "../../linux/security/security.ts";
import { type Checks, permissionsOf } from "./checks.ts";
import { newInodeSid } from "./new-inode.ts";
import { classOf, nodeData, sidOf, subjectOf, taskOf } from "./labels.ts";

type Hooks = Pick<
  SecurityModule,
  | "inodePermission"
  | "inodeCreate"
  | "inodeMkdir"
  | "inodeMknod"
  | "inodeLink"
  | "inodeUnlink"
  | "inodeRmdir"
  | "inodeRename"
  | "inodeGetattr"
  | "inodeSetattr"
>;

export const inodeHooks = (checks: Checks): Hooks => ({
  inodePermission(by, inode, mask) {
    const permissions = permissionsOf(inode, mask);
    return permissions.length === 0 ? null : checks.inode(by, inode, permissions);
  },
  inodeCreate: (by, place) => mayCreate(checks, by, place, "file"),
  inodeMkdir: (by, place) => mayCreate(checks, by, place, "directory"),
  inodeMknod: (by, place, kind) => mayCreate(checks, by, place, kind),
  inodeLink: (by, old, { directory }) =>
    inDirectory(checks, by, directory, ["add_name", "search"], old) ??
    checks.inode(by, old, ["link"]),
  inodeUnlink: (by, { directory }, inode) =>
    inDirectory(checks, by, directory, ["remove_name", "search"], inode) ??
    checks.inode(by, inode, ["unlink"]),
  inodeRmdir: (by, { directory }, inode) =>
    inDirectory(checks, by, directory, ["remove_name", "search"], inode) ??
    checks.inode(by, inode, ["rmdir"]),
  inodeRename: (by, from, inode, to, replaced) =>
    inDirectory(checks, by, from.directory, ["remove_name", "search"], inode) ??
    checks.inode(by, inode, ["rename"]) ??
    (inode.kind === "directory" && from.directory !== to.directory
      ? checks.inode(by, inode, ["reparent"])
      : null) ??
    inDirectory(
      checks,
      by,
      to.directory,
      replaced === null ? ["add_name", "search"] : ["add_name", "search", "remove_name"],
      inode,
    ) ??
    (replaced === null ? null : checks.inode(by, replaced, [removalOf(replaced)])),
  inodeGetattr: (by, inode) => checks.inode(by, inode, ["getattr"]),
  inodeSetattr: (by, inode) => checks.inode(by, inode, ["write"]),
});

const removalOf = ({ kind }: Inode): string => (kind === "directory" ? "rmdir" : "unlink");

const inDirectory = (
  checks: Checks,
  by: Process,
  directory: Inode,
  permissions: readonly string[],
  about: Inode,
): Refusal => checks.inode(by, directory, permissions, nodeData(about));

/** The task in the directory, the task by the new object, and the new object in the file system. */
function mayCreate(checks: Checks, by: Process, place: Place, kind: InodeKind): Refusal {
  const { server } = checks;
  const { directory, superblock, name } = place;
  const sid = newInodeSid(server, taskOf(by), place, kind);
  if (sid === null) return "EACCES";
  const data = [["name", name]] as const;
  return (
    checks.inode(by, directory, ["add_name", "search"], data) ??
    checks.ask(by, sid, classOf(kind), ["create"], data) ??
    server.check(sid, sidOf(superblock), "filesystem", ["associate"], subjectOf(by), data)
  );
}
