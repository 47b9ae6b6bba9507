/** Bounded types. Linux, security/selinux/ss/services.c, security_bounded_transition. */

import type { LoadedPolicy } from "./loaded-policy.ts";

/** Whether the type is `bound` or bounded by it, directly or not: asked when a thread changes its domain. */
export declare function isBoundedBy(loaded: LoadedPolicy, type: number, bound: number): boolean;
