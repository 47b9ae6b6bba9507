/** Contexts of new processes and objects. Linux, security/selinux/ss/services.c, security_compute_sid; The SELinux Notebook, "Computing Security Contexts". */

import type { Context } from "../policydb/policy.ts";
import type { BooleanState } from "./booleans.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Null when the context would not be valid: enforcing, the kernel refuses with EACCES. */
export declare function transition(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  /** The last component of a new file's path. */
  name?: string,
): Context | null;

/** type_member: of a polyinstantiated object. */
export declare function member(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): Context | null;

/** type_change: what a relabelled object gets. */
export declare function change(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): Context | null;
