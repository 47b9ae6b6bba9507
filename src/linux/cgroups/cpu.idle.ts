/** cpu.idle: Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files. */

import { type InterfaceFile, integer } from "./interface-file.ts";

export const cpuIdle: InterfaceFile = {
  name: "cpu.idle",
  isOnRoot: false,
  read: ({ cpu }, group) => `${cpu.settings(group).isIdle ? 1 : 0}\n`,
  write({ cpu }, group, text) {
    const idle = integer(text);
    if (typeof idle === "string") return idle;
    if (idle !== 0 && idle !== 1) return "EINVAL";
    cpu.setIdle(group, idle === 1);
    return null;
  },
};
