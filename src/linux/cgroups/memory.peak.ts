/** memory.peak, in bytes: Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { InterfaceFile } from "./interface-file.ts";

export const memoryPeak: InterfaceFile = {
  name: "memory.peak",
  isOnRoot: false,
  read: ({ memory }, group) => `${memory.of(group).peak * PAGE_SIZE}\n`,
};
