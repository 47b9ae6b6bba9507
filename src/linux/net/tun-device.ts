/** /dev/net/tun: Linux, Documentation/networking/tuntap.rst; drivers/net/tun.c, tun_set_iff, tun_attach. One queue; no frames are carried here. */

import { type Errno, isErrno } from "../errno.ts";
import type { CharacterDevice, IoctlArgument } from "../fs/character-device.ts";
import type { File } from "../fs/file.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { Tun } from "./tun.ts";

/** include/uapi/linux/if_tun.h. */
export const TUNSETIFF = 0x4004_54ca;
export const TUNSETPERSIST = 0x4004_54cb;
export const TUNGETIFF = 0x8004_54d2;

/** IFNAMSIZ, without the NUL. */
const MOST_NAME = 15;

export const TUN_DEVICE: CharacterDevice = {
  read: (_by, file) => (file.private === null ? "EBADF" : "EAGAIN"),
  write: (_by, file, bytes) => (file.private === null ? "EBADF" : bytes.length),
  ioctl(kernel, by, file, command, argument) {
    if (command === TUNSETIFF) return setInterface(kernel, by, file, argument);
    const tun = tunOf(kernel, file.private);
    if (tun === null) return "EBADF";
    // What it tells is known to whoever asks.
    if (command === TUNGETIFF) return 0;
    if (command !== TUNSETPERSIST) return "EINVAL";
    tun.isPersistent = argument !== 0;
    return 0;
  },
  release(kernel, file) {
    const tun = tunOf(kernel, file.private);
    if (tun === null) return;
    tun.attached = null;
    if (!tun.isPersistent) kernel.state.tuns = kernel.state.tuns.filter((one) => one !== tun);
  },
};

export const tunOf = ({ state }: Kernel, name: string | null): Tun | null =>
  state.tuns.find((tun) => tun.name === name) ?? null;

/** One that is there is opened, which labels it, before it is seen whether another has it. */
function setInterface(
  kernel: Kernel,
  by: Process,
  file: File,
  name: IoctlArgument,
): number | Errno {
  if (typeof name !== "string" || name.length === 0 || name.length > MOST_NAME) return "EINVAL";
  if (file.private !== null) return "EEXIST";
  const { security } = kernel;
  const known = tunOf(kernel, name);
  const tun = known ?? newTun(kernel, by, name);
  if (isErrno(tun)) return tun;
  if (known !== null) {
    const refused = security.tunDevOpen(by, tun);
    if (refused !== null) return refused;
  }
  const refused = security.tunDevAttach(by, tun);
  if (refused !== null) return refused;
  if (tun.attached !== null) return "EBUSY";
  tun.attached = file.number;
  file.private = name;
  if (known === null) kernel.state.tuns = [...kernel.state.tuns, tun];
  return 0;
}

function newTun(kernel: Kernel, by: Process, name: string): Tun | Errno {
  const refused = kernel.security.tunDevCreate(by);
  if (refused !== null) return refused;
  const tun = { name, isPersistent: false, attached: null, security: null };
  kernel.security.tunDevAllocSecurity(by, tun);
  return tun;
}
