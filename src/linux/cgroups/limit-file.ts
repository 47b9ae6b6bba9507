/** How limits of memory are read and written: Linux, Documentation/admin-guide/cgroup-v2.rst, Memory Interface Files. */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Errno } from "../errno.ts";
import { integer, type Kernel } from "./interface-file.ts";

const SUFFIXES: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

export function readLimit({ memory }: Kernel, group: number, which: "max" | "high"): string {
  const { [which]: limit } = memory.of(group);
  return `${limit === null ? "max" : limit * PAGE_SIZE}\n`;
}

export function writeLimit(
  { memory }: Kernel,
  group: number,
  which: "max" | "high",
  text: string,
): Errno | null {
  const bytes = text === "max" ? null : bytesOf(text);
  if (typeof bytes === "string") return bytes;
  memory.setLimit(group, which, bytes);
  return null;
}

/** As memparse takes it: a number, and K, M or G behind it. */
function bytesOf(text: string): number | Errno {
  const factor = SUFFIXES[text.slice(-1).toUpperCase()];
  const value = integer(factor === undefined ? text : text.slice(0, -1));
  if (typeof value === "string" || value < 0) return "EINVAL";
  return value * (factor ?? 1);
}
