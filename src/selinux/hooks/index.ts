/** SELinux as a security module: the hooks, family by family, answered by a security server. Linux, security/selinux/hooks.c. */

import type { SecurityModule } from "../../linux/security/security.ts";
import type { SecurityServer } from "../security-server.ts";
import { Checks } from "./checks.ts";
import { fileHooks } from "./file.ts";
import { inodeHooks } from "./inode.ts";
import { ioctlHooks } from "./ioctl.ts";
import { mmapHooks } from "./mmap.ts";
import { newInodeHooks } from "./new-inode.ts";
import { processHooks } from "./process.ts";
import { tunHooks } from "./tun.ts";
import { unixHooks } from "./unix.ts";
import { xattrHooks } from "./xattr.ts";

export function selinuxModule(server: SecurityServer): SecurityModule {
  const checks = new Checks(server);
  return {
    ...fileHooks(checks),
    ...inodeHooks(checks),
    ...ioctlHooks(checks),
    ...mmapHooks(checks),
    ...newInodeHooks(server),
    ...processHooks(checks),
    ...tunHooks(checks),
    ...unixHooks(checks),
    ...xattrHooks(checks),
  };
}
