/** A task: its memory, and the descriptors of its open files. Linux, Documentation/filesystems/files.rst. */

import { type Errno, isErrno } from "./errno.ts";
import { O } from "./fs/file.ts";
import type { Kernel, OpenFile } from "./kernel.ts";
import type { AddressSpace } from "./mm/address-space.ts";
import type { Process } from "./process.ts";
import type { Opened } from "./security/security.ts";

export class Task {
  readonly id: number;
  readonly memory: AddressSpace;
  readonly kernel: Kernel;
  /** Told when it is over. */
  onExit: (() => void) | null = null;

  /** `id` is that of its process. */
  constructor(id: number, memory: AddressSpace, kernel: Kernel) {
    this.id = id;
    this.memory = memory;
    this.kernel = kernel;
  }

  /** A descriptor of something that has no path and that no module is asked about: anon_inode_getfd. The lowest that is free. */
  open(open: OpenFile): number | Errno {
    const { kernel } = this;
    const file = kernel.newFile(this.#process, kernel.anonymous, "", O.RDWR);
    const descriptor = kernel.install(this.#process, file.number);
    // Whoever made it keeps it when there is no descriptor.
    if (!isErrno(descriptor)) kernel.standFor(file, open);
    return descriptor;
  }

  /** What a descriptor stands for, where that is more than a file. */
  file(descriptor: number): OpenFile | Errno {
    return this.#on(descriptor, ({ file }) => this.kernel.objectOf(file) ?? "EBADF");
  }

  /** Asks for an ioctl on a descriptor. */
  mayIoctl(descriptor: number, command: number): Errno | null {
    const { security } = this.kernel;
    return this.#on(descriptor, (opened) => security.fileIoctl(this.#process, opened, command));
  }

  /** Asks for a read or a write: MAY.READ, MAY.WRITE. */
  mayTransfer(descriptor: number, mask: number): Errno | null {
    const { security } = this.kernel;
    return this.#on(descriptor, (opened) => security.filePermission(this.#process, opened, mask));
  }

  /** Asks for a mapping of a descriptor that is shared. */
  mayMap(descriptor: number, prot: number): Errno | null {
    const { security } = this.kernel;
    return this.#on(descriptor, (opened) => security.mmapFile(this.#process, opened, prot, true));
  }

  close(descriptor: number): Errno | null {
    return this.kernel.close(this.#process, descriptor);
  }

  /** Memory goes first, as in the kernel: what uses it is told while its files are still open. */
  exit(): void {
    this.memory.destroy();
    this.kernel.end(this.#process);
    this.onExit?.();
  }

  #on<T>(descriptor: number, action: (opened: Opened) => T): T | Errno {
    const opened = this.kernel.opened(this.#process, descriptor);
    return isErrno(opened) ? opened : action(opened);
  }

  get #process(): Process {
    return this.kernel.state.processes[this.id] as Process;
  }
}
