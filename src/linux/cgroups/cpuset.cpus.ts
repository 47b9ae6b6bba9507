/** cpuset.cpus: Linux, Documentation/admin-guide/cgroup-v2.rst, Cpuset Interface Files. */

import { formatCpuList, parseCpuList } from "./cpu-list.ts";
import type { InterfaceFile } from "./interface-file.ts";

export const cpusetCpus: InterfaceFile = {
  name: "cpuset.cpus",
  isOnRoot: false,
  read: ({ cpu }, group) => `${formatCpuList(cpu.settings(group).cpus)}\n`,
  write({ cpu }, group, text) {
    const cpus = parseCpuList(text, cpu.count);
    if (typeof cpus === "string") return cpus;
    cpu.setCpus(group, cpus);
    return null;
  },
};
