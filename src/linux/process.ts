/** What system calls know of who calls: credentials, descriptors, mappings, signals. Linux, include/linux/sched.h, struct task_struct. Each process is one thread; all are root's. */

import type { Mapping } from "./mm/mapping.ts";
import type { Labelled } from "./security/blob.ts";

export interface Descriptor {
  /** Number of the open file. */
  readonly file: number;
  readonly closesOnExec: boolean;
}

export interface Process extends Labelled {
  readonly pid: number;
  readonly parent: number;
  comm: string;
  descriptors: (Descriptor | null)[];
  mappings: readonly Mapping[];
  /** Who traces it. */
  tracer: number | null;
  isOver: boolean;
  /** AT_SECURE of the program that it runs. */
  isSecure: boolean;
  /** Signals that it was sent, the oldest first; none is delivered but SIGKILL. */
  signals: readonly number[];
}
