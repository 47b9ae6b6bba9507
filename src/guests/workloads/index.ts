/** Every workload, one line each. */

import { InputError } from "../../sim/assert.ts";
import { compute } from "./compute.ts";
import { memory } from "./memory.ts";
import { network } from "./network.ts";
import { service } from "./service.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [compute, memory, network, service];

/** The workload called `name`. Throws InputError, naming those there are. */
export function workloadOf(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found !== undefined) return found;
  const names = WORKLOADS.map((workload) => workload.name).join(", ");
  throw new InputError(`workload ${name}: unknown; there is ${names}`);
}
