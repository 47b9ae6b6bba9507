/** Extended permissions: which commands of a driver (the high byte of an ioctl) may be used. Linux, security/selinux/ss/services.c, security_compute_xperms_decision. */

import type { Context } from "../policydb/policy.ts";
import type { BooleanState } from "./booleans.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Of one driver: 256 bits in eight words each, null where no rule speaks of the driver. */
export interface ExtendedAccess {
  readonly driver: number;
  readonly allowed: readonly number[] | null;
  readonly auditallow: readonly number[] | null;
  readonly dontaudit: readonly number[] | null;
}

export declare function computeExtended(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  driver: number,
): ExtendedAccess;

/** Bit 0 to 255 of eight words. */
export const hasCommand = (words: readonly number[] | null, command: number): boolean =>
  words !== null && (((words[command >>> 5] ?? 0) >>> (command & 31)) & 1) === 1;
