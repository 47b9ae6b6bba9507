/**
 * Where CPUs are: threads of cores, cores of nodes, and how far nodes are from each other. Linux,
 * Documentation/admin-guide/cputopology.rst; ACPI, System Locality Information Table.
 */

export interface Topology {
  /** By number of the CPU. */
  readonly coreOf: readonly number[];
  readonly nodeOf: readonly number[];
  /** By numbers of two nodes; 10 from a node to itself. */
  readonly distances: readonly (readonly number[])[];
}

const LOCAL = 10;
const REMOTE = 20;

/** One node, one core for each CPU. */
export const flatTopology = (cpus: number): Topology => evenTopology(1, cpus);

/** So many nodes, as far from each other as where nothing is known of it, and a core for each CPU. */
export const evenTopology = (nodes: number, cpusPerNode: number): Topology =>
  makeTopology(
    Array.from({ length: nodes }, (_, from) =>
      Array.from({ length: nodes }, (__, to) => (from === to ? LOCAL : REMOTE)),
    ),
    { coresPerNode: cpusPerNode, threadsPerCore: 1 },
  );

/** Nodes that are alike, with the CPUs of each one after the other. */
export function makeTopology(
  distances: Topology["distances"],
  { coresPerNode, threadsPerCore }: { coresPerNode: number; threadsPerCore: number },
): Topology {
  const count = distances.length * coresPerNode * threadsPerCore;
  const coreOf = Array.from({ length: count }, (_, cpu) => Math.floor(cpu / threadsPerCore));
  const nodeOf = coreOf.map((core) => Math.floor(core / coresPerNode));
  return { coreOf, nodeOf, distances };
}
