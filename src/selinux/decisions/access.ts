/** What a source may do with a target: rules, constraints, role allow, bounds. Linux, security/selinux/ss/services.c, context_struct_compute_av; The SELinux Notebook, "Computing Access Decisions". */

import type { Context } from "../policydb/policy.ts";
import type { BooleanState } from "./booleans.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Masks of permissions, by the bits of the class; unsigned. */
export interface Access {
  readonly allowed: number;
  readonly auditallow: number;
  /** Audited when denied: all but what dontaudit rules clear. */
  readonly auditdeny: number;
  /** Whether the type of the source is permissive. */
  readonly permissive: boolean;
  /** Drivers (256 bits in eight words) of which extended permissions say something; null when no rule allows any, and the plain permission decides alone. */
  readonly drivers: readonly number[] | null;
}

/** A class that the policy does not have (0, or above its last) is allowed nothing: what is unknown is the caller's to decide. */
export declare function computeAccess(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): Access;
