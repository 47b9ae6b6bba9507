/** A task: its memory, and the descriptors of its open files. Linux, Documentation/filesystems/files.rst. */

import type { AddressSpace } from "./mm/address-space.ts";
import type { Errno } from "./errno.ts";

/** What a descriptor stands for. */
export interface OpenFile {
  /** The last descriptor is closed. */
  release(): void;
}

/** RLIMIT_NOFILE, as it is by default. */
const MOST_FILES = 1024;

export class Task {
  readonly id: number;
  readonly memory: AddressSpace;
  readonly #files: (OpenFile | null)[] = [];
  /** Told when it is over. */
  onExit: (() => void) | null = null;

  constructor(id: number, memory: AddressSpace) {
    this.id = id;
    this.memory = memory;
  }

  /** The lowest descriptor that is free. */
  open(file: OpenFile): number | Errno {
    const free = this.#files.indexOf(null);
    const descriptor = free < 0 ? this.#files.length : free;
    if (descriptor >= MOST_FILES) return "EMFILE";
    this.#files[descriptor] = file;
    return descriptor;
  }

  file(descriptor: number): OpenFile | Errno {
    return this.#files[descriptor] ?? "EBADF";
  }

  close(descriptor: number): Errno | null {
    const file = this.#files[descriptor];
    if (file === undefined || file === null) return "EBADF";
    this.#files[descriptor] = null;
    file.release();
    return null;
  }

  /** Memory goes first, as in the kernel: what uses it is told while its files are still open. */
  exit(): void {
    this.memory.destroy();
    for (const descriptor of this.#files.keys()) this.close(descriptor);
    this.onExit?.();
  }
}
