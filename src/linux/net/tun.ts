/** Interfaces that a process has the other end of: Linux, Documentation/networking/tuntap.rst; drivers/net/tun.c. Queues are one; frames go to whoever the host connected. */

import type { Labelled } from "../security/blob.ts";

export interface Tun extends Labelled {
  readonly name: string;
  isPersistent: boolean;
  /** The open file at its other end. */
  attached: number | null;
}
