/** Rules that are looked up by a whole key: transitions of roles, ranges and by file name, role allow. Linux, security/selinux/ss/policydb.c. */

import { has } from "../policydb/ebitmap.ts";
import type { FilenameTransition, MlsRange, Policy } from "../policydb/policy.ts";

export interface LabelIndex {
  readonly ranges: ReadonlyMap<string, MlsRange>;
  readonly roles: ReadonlyMap<string, number>;
  readonly roleAllows: ReadonlySet<string>;
  /** Those of one name, target and class, in the order of the policy. */
  readonly filenames: ReadonlyMap<string, readonly FilenameTransition[]>;
}

const keyOf = (...parts: readonly (number | string)[]): string => parts.join(" ");

export function labelIndex(policy: Policy): LabelIndex {
  const filenames = new Map<string, FilenameTransition[]>();
  for (const transition of policy.filenameTransitions) {
    const key = keyOf(transition.target, transition.class, transition.name);
    const same = filenames.get(key);
    if (same === undefined) filenames.set(key, [transition]);
    else same.push(transition);
  }
  return {
    ranges: new Map(
      policy.rangeTransitions.map((t) => [keyOf(t.source, t.target, t.class), t.range]),
    ),
    roles: new Map(policy.roleTransitions.map((t) => [keyOf(t.role, t.type, t.class), t.newRole])),
    roleAllows: new Set(policy.roleAllows.map(({ role, newRole }) => keyOf(role, newRole))),
    filenames,
  };
}

export const rangeTransition = (
  index: LabelIndex,
  source: number,
  target: number,
  tclass: number,
): MlsRange | undefined => index.ranges.get(keyOf(source, target, tclass));

export const roleTransition = (
  index: LabelIndex,
  role: number,
  type: number,
  tclass: number,
): number | undefined => index.roles.get(keyOf(role, type, tclass));

export const allowsRole = (index: LabelIndex, role: number, newRole: number): boolean =>
  index.roleAllows.has(keyOf(role, newRole));

/** The new type, when a rule for objects of this name speaks of the source. */
export function filenameTransition(
  index: LabelIndex,
  source: number,
  target: number,
  tclass: number,
  name: string,
): number | undefined {
  const rules = index.filenames.get(keyOf(target, tclass, name));
  return rules?.find(({ sources }) => has(sources, source - 1))?.newType;
}
