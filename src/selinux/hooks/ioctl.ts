/** Commands of ioctl(2), of which 16 bits are the extended permission. Linux, security/selinux/hooks.c, selinux_file_ioctl, ioctl_has_perm. Those of terminals and descriptors' own are not told apart. */

import type { SecurityModule } from "../../linux/security/security.ts";
import type { Checks } from "./checks.ts";
import { classOf, pathData, sidOf, subjectOf } from "./labels.ts";

/** include/uapi/asm-generic/ioctls.h and include/uapi/linux/fs.h. */
const GETS = [0x541b, 0x0001, 0x0002, 0x8008_6601, 0x8008_7601];
const SETS = [0x4008_6602, 0x4008_7602];
/** FIONBIO and FIOASYNC. */
const OF_THE_DESCRIPTOR = [0x5421, 0x5452];

export const ioctlHooks = (checks: Checks): Pick<SecurityModule, "fileIoctl"> => ({
  fileIoctl(by, opened, command) {
    if (GETS.includes(command)) return checks.file(by, opened, ["getattr"]);
    if (SETS.includes(command)) return checks.file(by, opened, ["setattr"]);
    const refused = checks.descriptor(by, opened);
    const { file, inode } = opened;
    if (refused !== null || inode.isPrivate || OF_THE_DESCRIPTOR.includes(command)) return refused;
    const short = command & 0xffff;
    return checks.server.checkIoctl(
      sidOf(by),
      sidOf(inode),
      classOf(inode.kind),
      short,
      subjectOf(by),
      [...pathData(file.path, inode), ["ioctlcmd", short]],
    );
  },
});
