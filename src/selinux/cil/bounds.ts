/** What a bounded type may do, the type that bounds it may do too. CIL Reference Guide, "typebounds"; libsepol, hierarchy.c. */

import { permissionsOf } from "./classes.ts";
import type { AllowRule, Compilation } from "./compilation.ts";
import type { TypeEntry } from "./entries.ts";
import type { RuleTable } from "./rule-table.ts";
import { bit, numbersIn } from "./sets.ts";
import { checkBoundsEnd } from "./types.ts";

export function checkTypeBounds(c: Compilation): void {
  const types = c.types.all().flatMap(([, entry]) => (entry.kind === "type" ? [entry] : []));
  checkBoundsEnd(c, types, (name) => c.types.placeOf(name));
  for (const child of types) {
    const parent = types[child.bounds - 1];
    if (parent !== undefined) checkChild(c, types, child, parent);
  }
}

function checkChild(
  c: Compilation,
  types: readonly TypeEntry[],
  child: TypeEntry,
  parent: TypeEntry,
): void {
  const own = bit(child.value - 1);
  const bound = bit(parent.value - 1);
  c.compare(c.allows.length, c.types.placeOf(child.name));
  const ofParent = c.allows.filter(({ source }) => (source & bound) !== 0n);
  for (const rule of c.allows) {
    if ((rule.source & own) === 0n) continue;
    const targets = numbersIn(rule.self ? own : rule.target);
    c.compare(targets.length * ofParent.length, rule);
    for (const target of targets) {
      // Against a bounded target, the parent is measured by what bounds that.
      const measured = (types[target]?.bounds ?? 0) || target + 1;
      const missing = rule.mask & ~allowedTo(c, ofParent, bound, measured, rule);
      if (missing === 0) continue;
      const names = permissionsOf(rule.class).filter((_, i) => ((missing >>> i) & 1) === 1);
      c.fail(
        rule,
        `expected no more for "${child.name}" than for "${parent.name}", which bounds it: (${types[target]?.name} (${rule.class.name} (${names.join(" ")})))`,
      );
    }
  }
}

/** What the parent may do always, in the same branch, or in both branches of one conditional. */
function allowedTo(
  c: Compilation,
  rules: readonly AllowRule[],
  parent: bigint,
  target: number,
  asked: AllowRule,
): number {
  const masks = new Map<RuleTable, number>();
  for (const rule of rules) {
    const targets = rule.self ? parent : rule.target;
    if (rule.class !== asked.class || (targets & bit(target - 1)) === 0n) continue;
    masks.set(rule.table, (masks.get(rule.table) ?? 0) | rule.mask);
  }
  let mask = (masks.get(c.rules) ?? 0) | (masks.get(asked.table) ?? 0);
  for (const { whenTrue, whenFalse } of c.conditionals.values())
    mask |= (masks.get(whenTrue) ?? 0) & (masks.get(whenFalse) ?? 0);
  return mask;
}
