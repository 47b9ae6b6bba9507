/** The virtualisation hardware that a CPU's profile says it has: VMX or SVM. SDM Vol. 3, "Discovering Support for VMX"; APM Vol. 2, "Determining Support for SVM". */

import type { Environment } from "./environment.ts";
import type { PhysicalMemory } from "./physical-memory.ts";
import type { CpuState } from "./state.ts";
import { Svm } from "./svm/svm.ts";
import type { TranslatedMemory } from "./translated-memory.ts";
import type { Virtualization } from "./virtualization.ts";
import { Vmx } from "./vmx/vmx.ts";

export interface VirtualizationParts {
  readonly state: CpuState;
  readonly memory: TranslatedMemory;
  readonly physical: PhysicalMemory;
  readonly environment: Environment;
}

export function makeVirtualization(parts: VirtualizationParts): Virtualization | undefined {
  const { features } = parts.environment.profile;
  if (features.has("VMX")) return new Vmx(parts);
  return features.has("SVM") ? new Svm(parts) : undefined;
}
