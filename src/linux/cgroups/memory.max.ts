/** memory.max: bytes, or `max`. Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import type { InterfaceFile } from "./interface-file.ts";
import { readLimit, writeLimit } from "./limit-file.ts";

export const memoryMax: InterfaceFile = {
  name: "memory.max",
  isOnRoot: false,
  read: (kernel, group) => readLimit(kernel, group, "max"),
  write: (kernel, group, text) => writeLimit(kernel, group, "max", text),
};
