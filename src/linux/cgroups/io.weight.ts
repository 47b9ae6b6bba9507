/** io.weight: `default $WEIGHT`, and `$MAJ:$MIN $WEIGHT` for a disk. Linux, Documentation/admin-guide/cgroup-v2.rst, IO Interface Files. */

import type { Errno } from "../errno.ts";
import { type InterfaceFile, integer } from "./interface-file.ts";

export const ioWeight: InterfaceFile = {
  name: "io.weight",
  isOnRoot: false,
  read({ io }, group) {
    const { weight, deviceWeight } = io.settings(group);
    const own = deviceWeight === null ? "" : `${io.user?.device} ${deviceWeight}\n`;
    return `default ${weight}\n${own}`;
  },
  write({ io }, group, text) {
    const [, key = "default", value = ""] = /^(?:(default|\d+:\d+)\s+)?(\w+)$/.exec(text) ?? [];
    if (key !== "default" && io.user?.device !== key) return "ENODEV";
    if (key !== "default" && value === "default") {
      io.set(group, { deviceWeight: null });
      return null;
    }
    const weight = weightOf(value);
    if (typeof weight === "string") return weight;
    io.set(group, key === "default" ? { weight } : { deviceWeight: weight });
    return null;
  },
};

function weightOf(text: string): number | Errno {
  const weight = integer(text);
  return typeof weight === "string" || weight < 1 || weight > 10_000 ? "EINVAL" : weight;
}
