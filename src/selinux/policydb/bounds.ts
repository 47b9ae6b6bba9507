/** Users, roles and types that are bounded by others: chains are short, and what is bounded has no more than its bound. Linux, security/selinux/ss/policydb.c, policydb_bounds_sanity_check. */

import type { Cursor } from "./cursor.ts";
import { contains } from "./ebitmap.ts";
import type { Policy } from "./policy.ts";

/** A chain is shorter. */
const CHAIN_MAX = 4;

interface Bounded {
  readonly name: string;
  readonly bounds: number;
}

export function checkBounds(
  cursor: Cursor,
  { users, roles, types }: Pick<Policy, "users" | "roles" | "types">,
  at: number,
): void {
  const check = <T extends Bounded>(
    all: readonly T[],
    what: string,
    fits: (bounded: T, bound: T) => boolean,
  ): void => {
    for (const bounded of all)
      if (bounded.bounds !== 0)
        cursor.expect(isWithin(all, bounded, fits), `bounds of ${what} ${bounded.name}`, at);
  };
  check(users, "user", (user, bound) => contains(bound.roles, user.roles));
  check(roles, "role", (role, bound) => contains(bound.types, role.types));
  check(types, "type", (_, bound) => bound.name !== "" && !bound.attribute);
}

function isWithin<T extends Bounded>(
  all: readonly T[],
  bounded: T,
  fits: (bounded: T, bound: T) => boolean,
): boolean {
  let upper: T | undefined = bounded;
  for (let depth = 1; upper.bounds !== 0; depth += 1) {
    upper = all[upper.bounds - 1];
    if (depth === CHAIN_MAX || upper === undefined || !fits(bounded, upper)) return false;
  }
  return true;
}
