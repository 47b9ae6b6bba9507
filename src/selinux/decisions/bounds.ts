/** Bounded types. Linux, security/selinux/ss/services.c, security_bounded_transition. */

import type { LoadedPolicy } from "./loaded-policy.ts";

/** Whether the type is `bound` or bounded by it, directly or not: asked when a thread changes its domain. */
export function isBoundedBy({ policy }: LoadedPolicy, type: number, bound: number): boolean {
  for (let each = type; each !== 0; each = policy.types[each - 1]?.bounds ?? 0)
    if (each === bound) return true;
  return false;
}
