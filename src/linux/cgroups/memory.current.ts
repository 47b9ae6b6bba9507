/** memory.current, in bytes: Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { InterfaceFile } from "./interface-file.ts";

export const memoryCurrent: InterfaceFile = {
  name: "memory.current",
  isOnRoot: false,
  read: ({ memory }, group) => `${memory.of(group).usage * PAGE_SIZE}\n`,
};
