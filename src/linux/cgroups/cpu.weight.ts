/** cpu.weight: Linux, Documentation/admin-guide/cgroup-v2.rst, CPU Interface Files. 0 where cpu.idle is 1. */

import { type InterfaceFile, integer } from "./interface-file.ts";

export const cpuWeight: InterfaceFile = {
  name: "cpu.weight",
  isOnRoot: false,
  read({ cpu }, group) {
    const { isIdle, weight } = cpu.settings(group);
    return `${isIdle ? 0 : weight}\n`;
  },
  write({ cpu }, group, text) {
    const weight = integer(text);
    if (typeof weight === "string") return weight;
    if (weight < 1 || weight > 10_000) return "ERANGE";
    if (cpu.settings(group).isIdle) return "EINVAL";
    cpu.setWeight(group, weight);
    return null;
  },
};
