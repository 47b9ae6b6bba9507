/** What reading /proc/PID/attr gives: Linux, fs/proc/base.c, proc_pid_attr_read. */

import type { Attribute } from "../security/security.ts";
import { systemCall } from "./system-call.ts";

export interface Given {
  readonly pid: number;
  readonly attribute: Attribute;
}

export const getprocattr = systemCall(
  "getprocattr",
  ["getprocattr"],
  (kernel, by, { pid, attribute }: Given) => {
    const of = kernel.process(pid);
    if (of === null) return "ESRCH";
    return kernel.security.getprocattr(by, of, attribute) ?? "EINVAL";
  },
);
