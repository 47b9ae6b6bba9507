/** io.max: `$MAJ:$MIN rbps=... wbps=... riops=... wiops=...`. Linux, Documentation/admin-guide/cgroup-v2.rst, IO Interface Files. */

import { NEVER } from "../../sim/time.ts";
import type { IoMax } from "../block/io-max.ts";
import type { Errno } from "../errno.ts";
import { type InterfaceFile, integer } from "./interface-file.ts";

/** By name, from where on a limit is no more than this one: no disk is as fast. */
const MOST: Readonly<Record<keyof IoMax, number>> = {
  rbps: 2 ** 40,
  wbps: 2 ** 40,
  riops: 2 ** 32 - 1,
  wiops: 2 ** 32 - 1,
};
const NAMES = Object.keys(MOST) as (keyof IoMax)[];

export const ioMax: InterfaceFile = {
  name: "io.max",
  isOnRoot: false,
  read({ io }, group) {
    const { max } = io.settings(group);
    if (io.user === null || NAMES.every((name) => max[name] === NEVER)) return "";
    const limits = NAMES.map((name) => `${name}=${max[name] === NEVER ? "max" : max[name]}`);
    return `${io.user.device} ${limits.join(" ")}\n`;
  },
  write({ io }, group, text) {
    const [device = "", ...pairs] = text.split(/\s+/);
    if (!/^\d+:\d+$/.test(device)) return "EINVAL";
    if (io.user?.device !== device) return "ENODEV";
    let { max } = io.settings(group);
    for (const pair of pairs) {
      const limit = limitOf(pair);
      if (typeof limit === "string") return limit;
      max = { ...max, ...limit };
    }
    io.set(group, { max });
    return null;
  },
};

function limitOf(pair: string): Partial<IoMax> | Errno {
  const [key, text = ""] = pair.split("=");
  const name = NAMES.find((one) => one === key);
  if (name === undefined) return "EINVAL";
  const value = text === "max" ? NEVER : integer(text);
  if (typeof value === "string" || value < 0) return "EINVAL";
  if (value === 0) return "ERANGE";
  return { [name]: value === NEVER ? NEVER : Math.min(value, MOST[name]) };
}
