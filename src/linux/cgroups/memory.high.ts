/** memory.high: bytes, or `max`. Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import type { InterfaceFile } from "./interface-file.ts";
import { readLimit, writeLimit } from "./limit-file.ts";

export const memoryHigh: InterfaceFile = {
  name: "memory.high",
  isOnRoot: false,
  read: (kernel, group) => readLimit(kernel, group, "high"),
  write: (kernel, group, text) => writeLimit(kernel, group, "high", text),
};
