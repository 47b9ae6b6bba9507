/** cgroup.procs: Linux, Documentation/admin-guide/cgroup-v2.rst, Core Interface Files. */

import { type InterfaceFile, integer, lines } from "./interface-file.ts";

export const cgroupProcs: InterfaceFile = {
  name: "cgroup.procs",
  isOnRoot: true,
  read: ({ cgroups }, group) => lines(cgroups.membersOf(group)),
  write({ cgroups }, group, text) {
    const task = integer(text);
    return typeof task === "string" ? task : cgroups.attach(task, group);
  },
};
