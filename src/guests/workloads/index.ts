/** Every workload, one line each. */

import { compute } from "./compute.ts";
import { memory } from "./memory.ts";
import { network } from "./network.ts";
import { service } from "./service.ts";
import type { Workload } from "./workload.ts";

export const WORKLOADS: readonly Workload[] = [compute, memory, network, service];
