/** What a system call is: its name, which hooks it asks, and what it does. Linux, Documentation/process/adding-syscalls.rst. */

import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import type { HookName } from "../security/security.ts";

/** Those that check, each in the order of the first time; none where Linux has none. */
export type Asks = readonly HookName[];

export interface SystemCall<A, R> {
  readonly name: string;
  readonly asks: Asks;
  run(kernel: Kernel, by: Process, given: A): R | Errno;
}

/** A row. */
export const systemCall = <A, R>(
  name: string,
  asks: Asks,
  run: (kernel: Kernel, by: Process, given: A) => R | Errno,
): SystemCall<A, R> => ({ name, asks, run });

export interface OnPath {
  readonly path: string;
}

export interface OnDescriptor {
  readonly fd: number;
}
