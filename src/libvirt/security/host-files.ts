/** Labels and attributes of a host's files, as a process sees and changes them by system calls. libvirt, src/security/security_selinux.c, virSecuritySELinuxSetFilecon; src/util/virfile.c, virFileSetXAttr. */

import { type Errno, isErrno } from "../../linux/errno.ts";
import { O } from "../../linux/fs/file.ts";
import type { Kernel } from "../../linux/kernel.ts";
import { call } from "../../linux/syscalls/index.ts";
import { XATTR } from "../../selinux/hooks/new-inode.ts";
import type { LabelOfPath } from "../../selinux/administration.ts";
import type { Labelled, LabelledFiles } from "./file-labels.ts";

/** VIR_STORAGE_MAX_HEADER. */
const HEADER_BYTES = 0x8200;

export class HostFiles implements LabelledFiles {
  readonly #kernel: Kernel;
  readonly #pid: number;
  readonly #labelOf: LabelOfPath;

  /** `pid`: who looks and changes. */
  constructor(kernel: Kernel, pid: number, labelOf: LabelOfPath) {
    this.#kernel = kernel;
    this.#pid = pid;
    this.#labelOf = labelOf;
  }

  label(path: string): Labelled {
    const found = call(this.#kernel, this.#pid, "getxattr", { path, name: XATTR });
    if (isErrno(found)) return { error: found };
    return found.value === null ? { error: "ENODATA" } : { label: found.value };
  }

  setLabel(path: string, label: string): Errno | null {
    return this.setAttribute(path, XATTR, label);
  }

  attribute(path: string, name: string): string | null {
    const found = call(this.#kernel, this.#pid, "getxattr", { path, name });
    return isErrno(found) ? null : found.value;
  }

  setAttribute(path: string, name: string, value: string | null): Errno | null {
    const answer =
      value === null
        ? call(this.#kernel, this.#pid, "removexattr", { path, name })
        : call(this.#kernel, this.#pid, "setxattr", { path, name, value });
    return isErrno(answer) ? answer : null;
  }

  /** Of a regular file. */
  defaultLabel(path: string): string | null {
    return this.#labelOf(path, "file");
  }

  /** The beginning of a file; null when it cannot be read. */
  header(path: string): Uint8Array | null {
    const fd = call(this.#kernel, this.#pid, "open", { path, flags: O.RDONLY });
    if (isErrno(fd)) return null;
    const bytes = call(this.#kernel, this.#pid, "read", { fd, count: HEADER_BYTES });
    call(this.#kernel, this.#pid, "close", { fd });
    return isErrno(bytes) ? null : bytes;
  }
}
