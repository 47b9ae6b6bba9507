/** Which levels, ranges and contexts a policy takes for valid. Linux, security/selinux/ss/mls.c, mls_context_isvalid; policydb.c, policydb_context_isvalid. */

import { contains, has, isEqual } from "./ebitmap.ts";
import type { Context, MlsLevel, MlsRange, Policy } from "./policy.ts";

/** Value of the role `object_r`, which every user and type may have. */
export const OBJECT_R = 1;

/** What of a policy says which contexts are valid. */
export type Symbols = Pick<Policy, "mls" | "roles" | "types" | "users" | "sensitivities">;

/** Whether `a` has no lower sensitivity than `b`, and all its categories. */
export const dominates = (a: MlsLevel, b: MlsLevel): boolean =>
  a.sensitivity >= b.sensitivity && contains(a.categories, b.categories);

export const isEqualLevel = (a: MlsLevel, b: MlsLevel): boolean =>
  a.sensitivity === b.sensitivity && isEqual(a.categories, b.categories);

export function isValidLevel(
  { sensitivities }: Symbols,
  { sensitivity, categories }: MlsLevel,
): boolean {
  const defined = sensitivities[sensitivity - 1];
  return defined !== undefined && contains(defined.categories, categories);
}

export const isValidRange = (symbols: Symbols, { low, high }: MlsRange): boolean =>
  isValidLevel(symbols, low) && isValidLevel(symbols, high) && dominates(high, low);

export const rangeContains = (whole: MlsRange, part: MlsRange): boolean =>
  dominates(part.low, whole.low) && dominates(whole.high, part.high);

export function isValidContext(symbols: Symbols, context: Context): boolean {
  const { role, type, range } = context;
  const user = symbols.users[context.user - 1];
  const roleDatum = symbols.roles[role - 1];
  const typeDatum = symbols.types[type - 1];
  if (user === undefined || roleDatum === undefined || typeDatum === undefined) return false;
  const isObject = role === OBJECT_R;
  if (!isObject && !(has(roleDatum.types, type - 1) && has(user.roles, role - 1))) return false;
  if (!symbols.mls) return true;
  if (range === null || !isValidRange(symbols, range)) return false;
  return isObject || (user.range !== null && rangeContains(user.range, range));
}
