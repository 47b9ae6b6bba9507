/** cgroup.threads: Linux, Documentation/admin-guide/cgroup-v2.rst, Core Interface Files. */

import { type InterfaceFile, integer, lines } from "./interface-file.ts";

export const cgroupThreads: InterfaceFile = {
  name: "cgroup.threads",
  isOnRoot: true,
  read: ({ cgroups }, group) => lines(cgroups.threadsOf(group)),
  write({ cgroups }, group, text) {
    const thread = integer(text);
    return typeof thread === "string" ? thread : cgroups.attachThread(thread, group);
  },
};
