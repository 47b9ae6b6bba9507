/** How much there is in a policy, under the names and in the order of `seinfo`. */

import type { Policy } from "./policy.ts";

export declare function countsOf(
  policy: Policy,
): readonly (readonly [name: string, count: number])[];
