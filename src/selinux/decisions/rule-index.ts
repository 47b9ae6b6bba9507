/** Access vector rules by source, class and target, so that those of a decision are found together. Linux, security/selinux/ss/avtab.c, differently arranged. */

import { type Ebitmap, valuesOf } from "../policydb/ebitmap.ts";
import type { AvTable, Conditional, ExtendedPermissions } from "../policydb/policy.ts";

/** Columns; rules of one source together, ascending by class and target. */
export interface RuleIndex {
  /** By source value: where its rules begin; one more at the end. */
  readonly starts: Uint32Array;
  /** Class in the upper 16 bits, target in the lower. */
  readonly keys: Uint32Array;
  /** Which rule of `tables` it is. */
  readonly tables: Uint32Array;
  readonly rules: Uint32Array;
  readonly of: readonly AvTable[];
}

/** Table 0 has the rules that hold always. */
export const ruleIndex = (rules: AvTable): RuleIndex => indexOf([rules]);

/** Tables 2n and 2n + 1 are the branches of conditional n. */
export const conditionalIndex = (conditionals: readonly Conditional[]): RuleIndex =>
  indexOf(conditionals.flatMap(({ whenTrue, whenFalse }) => [whenTrue, whenFalse]));
