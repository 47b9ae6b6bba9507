/** cpuset.cpus.effective: Linux, Documentation/admin-guide/cgroup-v2.rst, Cpuset Interface Files. */

import { formatCpuList } from "./cpu-list.ts";
import type { InterfaceFile } from "./interface-file.ts";

export const cpusetCpusEffective: InterfaceFile = {
  name: "cpuset.cpus.effective",
  isOnRoot: true,
  read: ({ cpu }, group) => `${formatCpuList(cpu.effectiveCpus(group))}\n`,
};
