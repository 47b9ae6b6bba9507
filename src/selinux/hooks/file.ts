/** Open files: asked about when they are opened, and again at a read or write when the label of the task or of the file, or the policy, is another than then. Linux, security/selinux/hooks.c, selinux_file_open, selinux_file_permission. */

import { MAY, O } from "../../linux/fs/file.ts";
import type { SecurityModule } from "../../linux/security/security.ts";
import { type Checks, permissionsOf, usesOf } from "./checks.ts";
import { fileOf, sidOf } from "./labels.ts";

type Hooks = Pick<
  SecurityModule,
  "fileAllocSecurity" | "fileOpen" | "filePermission" | "fileReceive"
>;

export const fileHooks = (checks: Checks): Hooks => ({
  fileAllocSecurity(by, file) {
    file.security = { sid: sidOf(by), isid: 0, sequence: 0 };
    return null;
  },

  /** What it was is kept before it is asked, so that a change meanwhile is seen. */
  fileOpen(by, opened) {
    const { file, inode } = opened;
    const { sequence } = checks.server;
    file.security = { ...fileOf(file), isid: sidOf(inode), sequence };
    return checks.file(by, opened, [...usesOf(file), "open"]);
  },

  filePermission(by, opened, mask) {
    if (mask === 0) return null;
    const { file, inode } = opened;
    const { sid, isid, sequence } = fileOf(file);
    const isAsBefore =
      sid === sidOf(by) && isid === sidOf(inode) && sequence === checks.server.sequence;
    if (isAsBefore) return null;
    const appends = (file.flags & O.APPEND) !== 0 && (mask & MAY.WRITE) !== 0;
    return checks.file(by, opened, permissionsOf(inode, appends ? mask | MAY.APPEND : mask));
  },

  fileReceive: (by, opened) => checks.file(by, opened, usesOf(opened.file)),
});
