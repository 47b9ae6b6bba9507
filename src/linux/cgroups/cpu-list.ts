/** Lists of CPUs as `0-3,8`: Linux, Documentation/admin-guide/cgroup-v2.rst, cpuset.cpus; bitmap_parselist. */

import type { Errno } from "../errno.ts";

/** The CPUs in ascending order; ERANGE for one from `count` on. */
export function parseCpuList(text: string, count: number): readonly number[] | Errno {
  const cpus = new Set<number>();
  for (const part of text.split(/[\s,]+/)) {
    if (part === "") continue;
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (range === null) return "EINVAL";
    const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
    if (last < first) return "EINVAL";
    if (last >= count) return "ERANGE";
    for (let cpu = first; cpu <= last; cpu += 1) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

/** Ranges of the CPUs, which are in ascending order. */
export function formatCpuList(cpus: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const cpu of cpus) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === cpu - 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
