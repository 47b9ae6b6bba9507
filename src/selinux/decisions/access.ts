/** What a source may do with a target: rules, constraints, role allow, bounds. Linux, security/selinux/ss/services.c, context_struct_compute_av; The SELinux Notebook, "Computing Access Decisions". */

import type { Ebitmap } from "../policydb/ebitmap.ts";
import { EMPTY, has } from "../policydb/ebitmap.ts";
import { AV, type Context, type ExtendedPermissions } from "../policydb/policy.ts";
import type { BooleanState } from "./booleans.ts";
import { holds } from "./constraints.ts";
import { allowsRole } from "./label-index.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";
import { matching, type RuleIndex, typeBits, typesOf } from "./rule-index.ts";

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
export function computeAccess(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): Access {
  const permissive = has(loaded.policy.permissiveTypes, source.type);
  if (loaded.policy.classes[tclass - 1] === undefined)
    return { allowed: 0, auditallow: 0, auditdeny: NOTHING_QUIET, permissive, drivers: null };
  const ruled = computeRules(loaded, booleans, source, target, tclass);
  const allowed = computeAllowed(loaded, booleans, source, target, tclass, ruled.allowed);
  return { ...ruled, allowed, permissive };
}

const NOTHING_QUIET = 0xffff_ffff;

/** A rule that speaks of the pair and class, and holds. */
export interface ActiveRule {
  readonly index: RuleIndex;
  readonly position: number;
}

/** Rules that speak of the pair and class, through attributes too, and hold with these booleans. */
export function activeRules(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: number,
  target: number,
  tclass: number,
): ActiveRule[] {
  const { policy, rules, conditionalRules } = loaded;
  const sources = typesOf(attributesOf(policy.attributesOf, source));
  const targets = typeBits(attributesOf(policy.attributesOf, target), policy.types.length);
  const active: ActiveRule[] = [];
  for (const position of matching(rules, sources, targets, tclass))
    active.push({ index: rules, position });
  for (const position of matching(conditionalRules, sources, targets, tclass))
    if (isActive(booleans, conditionalRules.table[position] as number))
      active.push({ index: conditionalRules, position });
  return active;
}

/** `table`: 2n when conditional n is true, 2n + 1 when it is false. */
export const isActive = ({ conditionals }: BooleanState, table: number): boolean =>
  conditionals[table >>> 1] === ((table & 1) === 0);

export const attributesOf = (sets: readonly Ebitmap[], type: number): Ebitmap =>
  sets[type - 1] ?? EMPTY;

function computeRules(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): Pick<Access, "allowed" | "auditallow" | "auditdeny" | "drivers"> {
  let [allowed, auditallow, auditdeny] = [0, 0, NOTHING_QUIET];
  let drivers: number[] | null = null;
  let isExtended = false;
  for (const { index, position } of activeRules(
    loaded,
    booleans,
    source.type,
    target.type,
    tclass,
  )) {
    const data = index.data[position] as number;
    switch (index.specified[position]) {
      case AV.allowed:
        allowed |= data;
        break;
      case AV.auditallow:
        auditallow |= data;
        break;
      case AV.auditdeny:
        auditdeny &= data;
        break;
      case AV.xpermsAllowed:
        isExtended = true;
        drivers = withDrivers(drivers, extendedOf(index, position));
        break;
      case AV.xpermsAuditallow:
      case AV.xpermsDontaudit:
        drivers = withDrivers(drivers, extendedOf(index, position));
        break;
      default:
    }
  }
  return {
    allowed: allowed >>> 0,
    auditallow: auditallow >>> 0,
    auditdeny: auditdeny >>> 0,
    drivers: isExtended ? drivers : null,
  };
}

const NO_DRIVERS: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0];

export const extendedOf = (index: RuleIndex, position: number): ExtendedPermissions => {
  const { extended } = index.of[index.table[position] as number] as RuleIndex["of"][number];
  return extended[index.data[position] as number] as ExtendedPermissions;
};

function withDrivers(
  drivers: readonly number[] | null,
  { kind, driver, permissions }: ExtendedPermissions,
): number[] {
  const words = drivers ?? NO_DRIVERS;
  const bits = (word: number): number =>
    kind === "driver"
      ? (permissions[word] as number)
      : word === driver >>> 5
        ? 1 << (driver & 31)
        : 0;
  return words.map((old, word) => (old | bits(word)) >>> 0);
}

/** Of what rules allow, what constraints, role allow and bounds leave. */
function computeAllowed(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  ruled: number,
): number {
  const constrained = constrain(loaded, source, target, tclass, ruled);
  const free = lacksRoleAllow(loaded, source, target, tclass)
    ? constrained & ~loaded.transitionPermissions
    : constrained;
  const bounds = boundsOf(loaded, source, target);
  if (bounds === null || free === 0) return free >>> 0;
  return (
    (free & computeAccess(loaded, booleans, bounds.source, bounds.target, tclass).allowed) >>> 0
  );
}

function constrain(
  { policy }: LoadedPolicy,
  source: Context,
  target: Context,
  tclass: number,
  ruled: number,
): number {
  let allowed = ruled;
  for (const { permissions, expression } of policy.classes[tclass - 1]?.constraints ?? [])
    if ((permissions & allowed) !== 0 && !holds(policy, expression, source, target, null))
      allowed &= ~permissions;
  return allowed;
}

/** Whether a change from the one domain to the other would change the role, and no rule allows that. */
export const lacksRoleAllow = (
  { labels, processClass }: LoadedPolicy,
  source: Context,
  target: Context,
  tclass: number,
): boolean =>
  tclass === processClass &&
  source.role !== target.role &&
  !allowsRole(labels, source.role, target.role);

/** The pair that must be allowed the same, when the source is bounded; with the target's bound when it has one. */
export function boundsOf(
  { policy }: LoadedPolicy,
  source: Context,
  target: Context,
): { readonly source: Context; readonly target: Context } | null {
  const bound = policy.types[source.type - 1]?.bounds ?? 0;
  if (bound === 0) return null;
  const other = policy.types[target.type - 1]?.bounds ?? 0;
  return {
    source: { ...source, type: bound },
    target: other === 0 ? target : { ...target, type: other },
  };
}
