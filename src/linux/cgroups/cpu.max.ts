/** cpu.max: `$MAX $PERIOD` in microseconds. Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files. */

import { setBandwidth } from "./bandwidth-file.ts";
import { type InterfaceFile, integer } from "./interface-file.ts";

export const cpuMax: InterfaceFile = {
  name: "cpu.max",
  isOnRoot: false,
  read({ cpu }, group) {
    const { quotaUs, periodUs } = cpu.settings(group).bandwidth;
    return `${quotaUs ?? "max"} ${periodUs}\n`;
  },
  write({ cpu }, group, text) {
    const before = cpu.settings(group).bandwidth;
    const [max = "", period] = text.split(/\s+/);
    const quotaUs = max === "max" ? null : integer(max);
    const periodUs = period === undefined ? before.periodUs : integer(period);
    if (typeof quotaUs === "string" || typeof periodUs === "string") return "EINVAL";
    return setBandwidth(cpu, group, { ...before, quotaUs, periodUs });
  },
};
