/** Whether rules allow what a neverallow or a neverallowx forbids. CIL Reference Guide, "neverallow"; libsepol, assertion.c. */

import { classPermissionsOf, permissionsOf } from "./classes.ts";
import type { AllowRule, Compilation, WrittenPairs } from "./compilation.ts";
import type { ClassEntry, ExtendedPermissionSet } from "./entries.ts";
import { extendedPermissionsOf } from "./extended-permissions.ts";
import type { Atom, Form } from "./forms.ts";
import { pairsWritten } from "./rules.ts";
import { type Bits, bit, numbersIn } from "./sets.ts";
import type { Place } from "./source.ts";
import { ruleTypes } from "./types.ts";

export function checkNeverallows(c: Compilation): void {
  if (c.neverallows.length === 0) return;
  const byClass = new Map<ClassEntry, AllowRule[]>();
  for (const rule of c.allows) {
    const rules = byClass.get(rule.class);
    if (rules === undefined) byClass.set(rule.class, [rule]);
    else rules.push(rule);
  }
  for (const statement of c.neverallows) {
    const [head, source, target, permissions] = statement.items;
    const never = pairsWritten(statement, ruleTypes(c, source, target, statement));
    if ((head as Atom).text === "neverallowx") {
      const set = extendedPermissionsOf(c, permissions as Form, statement);
      checkExtended(c, never, set, byClass.get(set.class) ?? []);
      continue;
    }
    for (const { class: tclass, mask } of classPermissionsOf(c, permissions as Form, statement)) {
      const rules = byClass.get(tclass) ?? [];
      c.compare(rules.length, statement);
      for (const rule of rules) {
        const both = (rule.mask & mask) >>> 0;
        const pair = both === 0 ? null : pairInBoth(never, rule);
        if (pair !== null) fail(c, never, rule, pair, `${tclass.name} ${namesOf(tclass, both)}`);
      }
    }
  }
}

type Pair = readonly [source: number, target: number];

/** A source and a target (bits v - 1) of which both speak. */
function pairInBoth(a: WrittenPairs, b: WrittenPairs): Pair | null {
  const sources = a.source & b.source;
  const targets = a.target & b.target;
  if (sources === 0n || targets === 0n) return null;
  if (!a.self && !b.self) return [lowest(sources), lowest(targets)];
  const same = sources & targets;
  return same === 0n ? null : [lowest(same), lowest(same)];
}

const lowest = (set: Bits): number => numbersIn(set)[0] ?? 0;

const namesOf = (tclass: ClassEntry, mask: number): string =>
  `(${permissionsOf(tclass)
    .filter((_, i) => ((mask >>> i) & 1) === 1)
    .join(" ")})`;

function fail(
  c: Compilation,
  never: Place,
  rule: Place,
  [source, target]: Pair,
  what: string,
): never {
  const [from, to] = [source, target].map((type) => typeName(c, type));
  const place = c.source.placeOf(rule);
  return c.fail(
    never,
    `expected no rule to allow this, but ${place} allows (${from} ${to} (${what}))`,
  );
}

const typeName = (c: Compilation, type: number): string =>
  c.types.all().find(([, entry]) => entry.kind === "type" && entry.value === type + 1)?.[0] ?? "";

/** Where ioctl is allowed, allowx rules must name commands, and none of these. */
function checkExtended(
  c: Compilation,
  never: WrittenPairs,
  { class: tclass, commands }: ExtendedPermissionSet,
  rules: readonly AllowRule[],
): void {
  const ioctl = permissionsOf(tclass).indexOf("ioctl");
  const named = c.extendedAllows.filter((rule) => rule.class === tclass);
  c.compare(rules.length, never);
  for (const rule of rules) {
    if (ioctl < 0 || ((rule.mask >>> ioctl) & 1) === 0 || pairInBoth(never, rule) === null)
      continue;
    for (const source of numbersIn(never.source & rule.source)) {
      c.compare(named.length + 1, never);
      const own = bit(source);
      let targets = never.target & rule.target;
      if (never.self || rule.self) targets &= own;
      for (const allowed of named) {
        if (targets === 0n) break;
        if ((allowed.source & own) === 0n) continue;
        const reached = targets & (allowed.self ? own : allowed.target);
        const forbidden = allowed.commands & commands;
        if (reached !== 0n && forbidden !== 0n) {
          const what = `ioctl ${tclass.name} (${hexadecimal(lowest(forbidden))})`;
          fail(c, never, allowed, [source, lowest(reached)], what);
        }
      }
      for (const allowed of named)
        if ((allowed.source & own) !== 0n) targets &= ~(allowed.self ? own : allowed.target);
      if (targets !== 0n) {
        fail(c, never, rule, [source, lowest(targets)], `${tclass.name} (ioctl)`);
      }
    }
  }
}

const hexadecimal = (value: number): string => `0x${value.toString(16)}`;
