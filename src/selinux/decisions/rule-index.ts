/** Access vector rules by source, class and target, so that those of a decision lie together. What Linux, security/selinux/ss/avtab.c, has as a hash table. */

import { type Ebitmap, valuesOf } from "../policydb/ebitmap.ts";
import type { AvTable, Conditional } from "../policydb/policy.ts";

/** Columns: rules of one source together, ascending by class and target. */
export interface RuleIndex {
  /** By source value: where its rules begin. One more at the end. */
  readonly starts: Uint32Array;
  /** Class in the upper 16 bits, target in the lower. */
  readonly keys: Uint32Array;
  readonly specified: Uint16Array;
  readonly data: Uint32Array;
  /** Index in `of`, and the index there. */
  readonly table: Uint32Array;
  readonly rule: Uint32Array;
  readonly of: readonly AvTable[];
}

/** Of one table, with the rules that hold always. */
export const ruleIndex = (rules: AvTable): RuleIndex => indexOf([rules]);

/** Tables 2n and 2n + 1 are the branches of conditional n: if true, if false. */
export const conditionalIndex = (conditionals: readonly Conditional[]): RuleIndex =>
  indexOf(conditionals.flatMap(({ whenTrue, whenFalse }) => [whenTrue, whenFalse]));

const VALUES = 0x1_0000;

function indexOf(of: readonly AvTable[]): RuleIndex {
  const all = flatten(of);
  const count = all.source.length;
  let order: Uint32Array = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) order[i] = i;
  // Sorted by the last key first: each pass keeps the order of the one before.
  for (const column of [all.target, all.class, all.source]) order = sortedBy(column, order);
  const sorted = {
    keys: new Uint32Array(count),
    specified: new Uint16Array(count),
    data: new Uint32Array(count),
    table: new Uint32Array(count),
    rule: new Uint32Array(count),
  };
  for (let at = 0; at < count; at += 1) {
    const i = order[at] as number;
    sorted.keys[at] = (all.class[i] as number) * VALUES + (all.target[i] as number);
    sorted.specified[at] = all.specified[i] as number;
    sorted.data[at] = all.data[i] as number;
    sorted.table[at] = all.table[i] as number;
    sorted.rule[at] = all.rule[i] as number;
  }
  return { starts: startsOf(all.source), ...sorted, of };
}

interface FlatRules {
  readonly source: Uint16Array;
  readonly target: Uint16Array;
  readonly class: Uint16Array;
  readonly specified: Uint16Array;
  readonly data: Uint32Array;
  readonly table: Uint32Array;
  readonly rule: Uint32Array;
}

function flatten(of: readonly AvTable[]): FlatRules {
  const count = of.reduce((sum, { source }) => sum + source.length, 0);
  const flat = {
    source: new Uint16Array(count),
    target: new Uint16Array(count),
    class: new Uint16Array(count),
    specified: new Uint16Array(count),
    data: new Uint32Array(count),
    table: new Uint32Array(count),
    rule: new Uint32Array(count),
  };
  let at = 0;
  of.forEach((rules, table) => {
    for (const column of ["source", "target", "class", "specified", "data"] as const)
      flat[column].set(rules[column], at);
    for (let rule = 0; rule < rules.source.length; rule += 1, at += 1) {
      flat.table[at] = table;
      flat.rule[at] = rule;
    }
  });
  return flat;
}

/** By value: how many are less. */
function startsOf(column: Uint16Array): Uint32Array {
  let most = 0;
  for (let i = 0; i < column.length; i += 1) most = Math.max(most, column[i] as number);
  const starts = new Uint32Array(most + 2);
  for (let i = 0; i < column.length; i += 1) {
    const above = (column[i] as number) + 1;
    starts[above] = (starts[above] as number) + 1;
  }
  for (let i = 1; i < starts.length; i += 1)
    starts[i] = (starts[i] as number) + (starts[i - 1] as number);
  return starts;
}

function sortedBy(column: Uint16Array, order: Uint32Array): Uint32Array {
  const next = startsOf(column);
  const sorted = new Uint32Array(order.length);
  for (let each = 0; each < order.length; each += 1) {
    const i = order[each] as number;
    const value = column[i] as number;
    const at = next[value] as number;
    sorted[at] = i;
    next[value] = at + 1;
  }
  return sorted;
}

/** Positions in the index of the rules of a class between any of the sources and any of the targets. */
export function matching(
  index: RuleIndex,
  sources: readonly number[],
  targets: Uint32Array,
  tclass: number,
): number[] {
  const positions: number[] = [];
  const { starts, keys } = index;
  for (const source of sources) {
    if (source + 1 >= starts.length) continue;
    const end = starts[source + 1] as number;
    let at = firstFrom(keys, tclass * VALUES, starts[source] as number, end);
    for (; at < end; at += 1) {
      const key = keys[at] as number;
      if (key >>> 16 !== tclass) break;
      if ((((targets[(key & 0xffff) >>> 5] as number) >>> (key & 31)) & 1) === 1)
        positions.push(at);
    }
  }
  return positions;
}

/** Positions of the rules of exactly these. */
export function exactly(
  index: RuleIndex,
  source: number,
  target: number,
  tclass: number,
): number[] {
  const { starts, keys } = index;
  if (source + 1 >= starts.length) return [];
  const end = starts[source + 1] as number;
  const key = tclass * VALUES + target;
  const positions: number[] = [];
  let at = firstFrom(keys, key, starts[source] as number, end);
  for (; at < end && keys[at] === key; at += 1) positions.push(at);
  return positions;
}

function firstFrom(keys: Uint32Array, key: number, start: number, end: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Values of the types in a set: bit v - 1 stands for v. */
export const typesOf = (set: Ebitmap): number[] => {
  const values = valuesOf(set);
  for (let i = 0; i < values.length; i += 1) values[i] = (values[i] as number) + 1;
  return values;
};

/** The same as words of 32 bits, where bit v stands for v; `types` is the last there may be. */
export function typeBits(set: Ebitmap, types: number): Uint32Array {
  const words = new Uint32Array((types >>> 5) + 3);
  for (let at = 0; at < set.length; at += 3) {
    const word = (set[at] as number) >>> 5;
    const [low, high] = [set[at + 1] as number, set[at + 2] as number];
    words[word] = (words[word] as number) | (low << 1);
    words[word + 1] = (high << 1) | (low >>> 31);
    words[word + 2] = high >>> 31;
  }
  return words;
}
