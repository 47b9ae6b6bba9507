/**
 * Scheduling domains: for each CPU, ever larger sets of CPUs around it, each made of groups between which load is
 * balanced. Linux, Documentation/scheduler/sched-domains.rst; kernel/sched/topology.c, build_sched_domains,
 * build_overlap_sched_groups, sched_init_numa.
 */

import type { Topology } from "./topology.ts";

export interface Domain {
  readonly name: string;
  /** In ascending order. */
  readonly span: readonly number[];
  /** The first is the one that the CPU is in. */
  readonly groups: readonly (readonly number[])[];
}

interface Level {
  readonly name: string;
  /** The CPUs that are together at this level with the given one. */
  readonly mask: (cpu: number) => readonly number[];
}

/** By CPU, from the smallest domain to the largest; none for a CPU that is off. */
export function buildDomains(topology: Topology, isOnline: readonly boolean[]): Domain[][] {
  const online = [...topology.nodeOf.keys()].filter((cpu) => isOnline[cpu]);
  const levels = levelsOf(topology, online);
  const spans = levels.map(({ mask }) => topology.nodeOf.map((_, cpu) => mask(cpu)));
  return topology.nodeOf.map((_, cpu) => {
    if (!isOnline[cpu]) return [];
    const domains: Domain[] = [];
    let below = 1;
    levels.forEach(({ name }, i) => {
      const span = spans[i]?.[cpu] ?? [];
      // A level that adds nobody is left out.
      if (span.length <= below) return;
      const lower = (other: number): readonly number[] => lowerSpan(spans, i, other, span.length);
      domains.push({ name, span, groups: groupsFor(cpu, span, lower) });
      below = span.length;
    });
    return domains;
  });
}

function levelsOf({ coreOf, nodeOf, distances }: Topology, online: readonly number[]): Level[] {
  const distance = (a: number, b: number): number =>
    distances[nodeOf[a] ?? 0]?.[nodeOf[b] ?? 0] ?? 0;
  const isIn = (test: (cpu: number, other: number) => boolean) => (cpu: number) =>
    online.filter((other) => test(cpu, other));
  const hops = [...new Set(distances.flat())].sort((a, b) => a - b);
  return [
    { name: "SMT", mask: isIn((cpu, other) => coreOf[cpu] === coreOf[other]) },
    { name: "MC", mask: isIn((cpu, other) => nodeOf[cpu] === nodeOf[other]) },
    ...hops.slice(1).map((hop) => ({
      name: `NUMA ${hop}`,
      mask: isIn((cpu, other) => distance(cpu, other) <= hop),
    })),
  ];
}

/** The largest span below level `i` that is smaller than what it is to be a part of. */
function lowerSpan(
  spans: readonly (readonly (readonly number[])[])[],
  i: number,
  cpu: number,
  most: number,
): readonly number[] {
  for (let level = i - 1; level >= 0; level -= 1) {
    const span = spans[level]?.[cpu] ?? [];
    if (span.length > 0 && span.length < most) return span;
  }
  return [cpu];
}

/** Groups are looked for from the CPU on, so that the first is its own: they may overlap. */
function groupsFor(
  cpu: number,
  span: readonly number[],
  lower: (cpu: number) => readonly number[],
): readonly (readonly number[])[] {
  const at = span.indexOf(cpu);
  const order = [...span.slice(at), ...span.slice(0, at)];
  const covered = new Set<number>();
  const groups: (readonly number[])[] = [];
  for (const other of order) {
    if (covered.has(other)) continue;
    const group = lower(other).filter((member) => span.includes(member));
    groups.push(group);
    for (const member of group) covered.add(member);
  }
  return groups;
}
