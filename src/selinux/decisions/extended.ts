/** Extended permissions: which commands of a driver (the high byte of an ioctl) may be used. Linux, security/selinux/ss/services.c, security_compute_xperms_decision. */

import { AV, type Context, type ExtendedPermissions } from "../policydb/policy.ts";
import { activeRules, extendedOf } from "./access.ts";
import type { BooleanState } from "./booleans.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Of one driver: 256 bits in eight words each, null where no rule speaks of the driver. */
export interface ExtendedAccess {
  readonly driver: number;
  readonly allowed: readonly number[] | null;
  readonly auditallow: readonly number[] | null;
  readonly dontaudit: readonly number[] | null;
}

/** Asked only where `computeAccess` names the driver. */
export function computeExtended(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  driver: number,
): ExtendedAccess {
  let allowed: readonly number[] | null = null;
  let auditallow: readonly number[] | null = null;
  let dontaudit: readonly number[] | null = null;
  for (const { index, position } of activeRules(
    loaded,
    booleans,
    source.type,
    target.type,
    tclass,
  )) {
    const kind = index.specified[position];
    if (kind === AV.xpermsAllowed) allowed = joined(allowed, driver, extendedOf(index, position));
    else if (kind === AV.xpermsAuditallow)
      auditallow = joined(auditallow, driver, extendedOf(index, position));
    else if (kind === AV.xpermsDontaudit)
      dontaudit = joined(dontaudit, driver, extendedOf(index, position));
  }
  return { driver, allowed, auditallow, dontaudit };
}

const ALL: readonly number[] = Array.from({ length: 8 }, () => 0xffff_ffff);

/** With what the rule says of the driver; a rule for whole drivers says it of every command. */
function joined(
  words: readonly number[] | null,
  driver: number,
  rule: ExtendedPermissions,
): readonly number[] | null {
  if (rule.kind === "driver") return hasCommand(rule.permissions, driver) ? ALL : words;
  if (rule.driver !== driver) return words;
  return rule.permissions.map((bits, i) => (bits | (words?.[i] ?? 0)) >>> 0);
}

/** Bit 0 to 255 of eight words. */
export const hasCommand = (words: readonly number[] | null, command: number): boolean =>
  words !== null && (((words[command >>> 5] ?? 0) >>> (command & 31)) & 1) === 1;
