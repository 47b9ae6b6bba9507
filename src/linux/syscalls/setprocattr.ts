/** What writing /proc/self/attr does: Linux, fs/proc/base.c, proc_pid_attr_write. */

import type { Attribute } from "../security/security.ts";
import { systemCall } from "./system-call.ts";

export interface Given {
  readonly attribute: Attribute;
  /** Empty: none. */
  readonly value: string;
}

export const setprocattr = systemCall(
  "setprocattr",
  ["setprocattr"],
  (kernel, by, { attribute, value }: Given) =>
    kernel.security.setprocattr(by, attribute, value, kernel.tracerOf(by)) ?? value.length,
);
