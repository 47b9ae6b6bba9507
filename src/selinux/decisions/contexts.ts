/** Contexts as text, `user:role:type:range`, and which of them are valid. Linux, security/selinux/ss/services.c, string_to_context_struct; mls.c, mls_context_to_sid and mls_sid_to_context. */

import { type Ebitmap, ebitmapOf, valuesOf } from "../policydb/ebitmap.ts";
import type { Context, MlsLevel, MlsRange } from "../policydb/policy.ts";
import { isEqualLevel, isValidContext } from "../policydb/valid.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Null when it is no context of the policy, or not valid: an unknown name, an attribute, a role that the user does not have, a range outside the user's. Aliases are taken. */
export function parseContext(loaded: LoadedPolicy, text: string): Context | null {
  const { policy, names } = loaded;
  const [userName = "", roleName = "", typeName = "", ...rest] = text.split(":");
  const user = names.users.get(userName);
  const role = names.roles.get(roleName);
  const type = names.types.get(typeName);
  if (user === undefined || role === undefined || type === undefined) return null;
  if (policy.types[type - 1]?.attribute === true) return null;
  if (policy.mls === (rest.length === 0)) return null;
  const range = policy.mls ? parseRange(loaded, rest.join(":")) : null;
  if (policy.mls && range === null) return null;
  const context = { user, role, type, range };
  return isValidContext(policy, context) ? context : null;
}

/** As the kernel prints it: `s0` for s0-s0; `c0.c2` for three and more neighbours, `c0,c1` for two. */
export function formatContext(loaded: LoadedPolicy, context: Context): string {
  const { users, roles, types } = loaded.policy;
  const named = [
    users[context.user - 1]?.name,
    roles[context.role - 1]?.name,
    types[context.type - 1]?.name,
  ];
  if (context.range !== null) named.push(formatRange(loaded, context.range));
  return named.join(":");
}

/** Null when a name is unknown. Whether the range is valid is not asked. */
export function parseRange(loaded: LoadedPolicy, text: string): MlsRange | null {
  const dash = text.indexOf("-");
  const low = parseLevel(loaded, dash < 0 ? text : text.slice(0, dash));
  const high = dash < 0 ? low : parseLevel(loaded, text.slice(dash + 1));
  return low === null || high === null ? null : { low, high };
}

export function formatRange(loaded: LoadedPolicy, { low, high }: MlsRange): string {
  const first = formatLevel(loaded, low);
  return isEqualLevel(low, high) ? first : `${first}-${formatLevel(loaded, high)}`;
}

function parseLevel({ names }: LoadedPolicy, text: string): MlsLevel | null {
  const colon = text.indexOf(":");
  const sensitivity = names.sensitivities.get(colon < 0 ? text : text.slice(0, colon));
  if (sensitivity === undefined) return null;
  const categories = colon < 0 ? [] : parseCategories(names.categories, text.slice(colon + 1));
  return categories === null ? null : { sensitivity, categories: ebitmapOf(categories) };
}

/** Bits of single categories and of ascending ranges of them. */
function parseCategories(values: ReadonlyMap<string, number>, text: string): number[] | null {
  const bits: number[] = [];
  for (const part of text.split(",")) {
    const dot = part.indexOf(".");
    const first = values.get(dot < 0 ? part : part.slice(0, dot));
    const last = dot < 0 ? first : values.get(part.slice(dot + 1));
    if (first === undefined || last === undefined || (dot >= 0 && first >= last)) return null;
    for (let value = first; value <= last; value += 1) bits.push(value - 1);
  }
  return bits;
}

function formatLevel({ policy }: LoadedPolicy, { sensitivity, categories }: MlsLevel): string {
  const name = policy.sensitivities[sensitivity - 1]?.name ?? "";
  const parts = runsOf(categories).map(([first, last]) => {
    const [low = "", high = ""] = [policy.categories[first]?.name, policy.categories[last]?.name];
    return first === last ? low : `${low}${last === first + 1 ? "," : "."}${high}`;
  });
  return parts.length === 0 ? name : `${name}:${parts.join(",")}`;
}

/** First and last bit of each run. */
function runsOf(set: Ebitmap): [number, number][] {
  const runs: [number, number][] = [];
  for (const bit of valuesOf(set)) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run[1] === bit - 1) run[1] = bit;
    else runs.push([bit, bit]);
  }
  return runs;
}
