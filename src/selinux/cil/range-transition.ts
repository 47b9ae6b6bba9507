/** rangetransition: which levels a new process or object has. CIL Reference Guide, "rangetransition". */

import { isEqual } from "../policydb/ebitmap.ts";
import type { MlsRange, RangeTransition } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import type { Form } from "./forms.ts";
import { rangeOf } from "./levels.ts";
import type { Place } from "./source.ts";
import type { Statements } from "./statement.ts";
import { typeOrAttributeOf, valuesOf } from "./types.ts";

export const RANGE_STATEMENTS: Statements = {
  rangetransition: {
    phase: "rule",
    form: "(rangetransition source target class range)",
    operands: [4, 4],
    compile: (c, [source, target, tclass, form], statement) => {
      const sources = valuesOf(typeOrAttributeOf(c, source, statement));
      const targets = valuesOf(typeOrAttributeOf(c, target, statement));
      const { value } = c.classes.find(tclass, statement);
      const range = rangeOf(c, form as Form);
      c.spend(sources.length * targets.length, statement);
      for (const from of sources)
        for (const to of targets)
          add(c, { source: from, target: to, class: value, range }, statement);
    },
  },
};

function add(c: Compilation, rule: RangeTransition, place: Place): void {
  const key = `${rule.source} ${rule.target} ${rule.class}`;
  const known = c.rangeTransitions.get(key);
  if (known !== undefined && !isSameRange(known.range, rule.range)) {
    c.fail(place, "expected one range for a source, a target and a class");
  }
  c.rangeTransitions.set(key, rule);
}

const isSameRange = (a: MlsRange, b: MlsRange): boolean =>
  a.low.sensitivity === b.low.sensitivity &&
  a.high.sensitivity === b.high.sensitivity &&
  isEqual(a.low.categories, b.low.categories) &&
  isEqual(a.high.categories, b.high.categories);
