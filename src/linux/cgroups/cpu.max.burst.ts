/** cpu.max.burst: microseconds, at most the quota. Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files. */

import { setBandwidth } from "./bandwidth-file.ts";
import { type InterfaceFile, integer } from "./interface-file.ts";

export const cpuMaxBurst: InterfaceFile = {
  name: "cpu.max.burst",
  isOnRoot: false,
  read: ({ cpu }, group) => `${cpu.settings(group).bandwidth.burstUs}\n`,
  write({ cpu }, group, text) {
    const burstUs = integer(text);
    if (typeof burstUs === "string") return burstUs;
    if (burstUs < 0) return "EINVAL";
    return setBandwidth(cpu, group, { ...cpu.settings(group).bandwidth, burstUs });
  },
};
