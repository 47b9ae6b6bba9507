/**
 * cpu.stat: Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files. All time is the user's: what a thread
 * spends in the kernel is not told apart.
 */

import { flatKeyed, type InterfaceFile } from "./interface-file.ts";

export const cpuStat: InterfaceFile = {
  name: "cpu.stat",
  isOnRoot: true,
  read({ cpu }, group) {
    const stat = cpu.stat(group);
    return flatKeyed({
      usage_usec: stat.usageUs,
      user_usec: stat.usageUs,
      system_usec: 0,
      nr_periods: stat.periods,
      nr_throttled: stat.throttled,
      throttled_usec: stat.throttledUs,
      nr_bursts: stat.bursts,
      burst_usec: stat.burstUs,
    });
  },
};
