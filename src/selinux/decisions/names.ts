/** Values of what has a name in a policy. */

import type { Policy } from "../policydb/policy.ts";

export interface Names {
  readonly classes: ReadonlyMap<string, number>;
  readonly roles: ReadonlyMap<string, number>;
  /** Types and attributes, aliases included. */
  readonly types: ReadonlyMap<string, number>;
  readonly users: ReadonlyMap<string, number>;
  readonly booleans: ReadonlyMap<string, number>;
  /** Aliases included. */
  readonly sensitivities: ReadonlyMap<string, number>;
  readonly categories: ReadonlyMap<string, number>;
}

export function namesOf(policy: Policy): Names {
  const { aliases } = policy;
  return {
    classes: valuesByName(policy.classes),
    roles: valuesByName(policy.roles),
    types: valuesByName(policy.types, aliases.types),
    users: valuesByName(policy.users),
    booleans: valuesByName(policy.booleans),
    sensitivities: valuesByName(policy.sensitivities, aliases.sensitivities),
    categories: valuesByName(policy.categories, aliases.categories),
  };
}

function valuesByName(
  named: readonly { readonly name: string }[],
  aliases: Iterable<readonly [string, number]> = [],
): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  named.forEach(({ name }, i) => {
    if (name !== "") values.set(name, i + 1);
  });
  for (const [alias, value] of aliases) values.set(alias, value);
  return values;
}
