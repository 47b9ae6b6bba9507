/** memory.events: Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import { flatKeyed, type InterfaceFile } from "./interface-file.ts";

export const memoryEvents: InterfaceFile = {
  name: "memory.events",
  isOnRoot: false,
  read: ({ memory }, group) => flatKeyed({ ...memory.of(group).events }),
};
