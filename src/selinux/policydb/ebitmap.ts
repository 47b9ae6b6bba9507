/** A set of small numbers, as the kernel keeps it: 64 at a time, and none where all bits are clear. Linux, security/selinux/ss/ebitmap.c. */

/** Three numbers for each node, by ascending start: the start (a multiple of 64), bits 0 to 31 and bits 32 to 63, both as signed words. A node is never empty, so that equal sets are equal lists. */
export type Ebitmap = readonly number[];

export const EMPTY: Ebitmap = [];

const NODE = 3;
const BITS = 64;

/** Of these numbers, in any order, each any number of times. */
export function ebitmapOf(values: Iterable<number>): Ebitmap {
  const nodes: number[] = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const start = value - (value % BITS);
    if (nodes[nodes.length - NODE] !== start) nodes.push(start, 0, 0);
    const word = nodes.length - (value % BITS < 32 ? 2 : 1);
    nodes[word] = (nodes[word] as number) | (1 << (value % 32));
  }
  return nodes.length === 0 ? EMPTY : nodes;
}

export function has(set: Ebitmap, value: number): boolean {
  const at = nodeAt(set, value - (value % BITS));
  return (
    at >= 0 && (((set[at + (value % BITS < 32 ? 1 : 2)] as number) >>> (value % 32)) & 1) === 1
  );
}

/** Ascending. */
export function valuesOf(set: Ebitmap): number[] {
  const values: number[] = [];
  for (let at = 0; at < set.length; at += NODE)
    for (let bit = 0; bit < BITS; bit += 1)
      if ((((set[at + 1 + (bit >>> 5)] as number) >>> (bit % 32)) & 1) === 1)
        values.push((set[at] as number) + bit);
  return values;
}

export const isEqual = (a: Ebitmap, b: Ebitmap): boolean =>
  a === b || (a.length === b.length && a.every((word, i) => word === b[i]));

/** Whether all of `part` is in `whole`. */
export function contains(whole: Ebitmap, part: Ebitmap): boolean {
  for (let at = 0; at < part.length; at += NODE) {
    const other = nodeAt(whole, part[at] as number);
    if (other < 0) return false;
    for (const word of [1, 2])
      if (((part[at + word] as number) & ~(whole[other + word] as number)) !== 0) return false;
  }
  return true;
}

export function intersection(a: Ebitmap, b: Ebitmap): Ebitmap {
  const nodes: number[] = [];
  for (let at = 0; at < a.length; at += NODE) {
    const other = nodeAt(b, a[at] as number);
    if (other < 0) continue;
    const low = (a[at + 1] as number) & (b[other + 1] as number);
    const high = (a[at + 2] as number) & (b[other + 2] as number);
    if ((low | high) !== 0) nodes.push(a[at] as number, low, high);
  }
  return nodes.length === 0 ? EMPTY : nodes;
}

/** Index of the node that starts there; negative when there is none. */
function nodeAt(set: Ebitmap, start: number): number {
  let low = 0;
  let high = set.length / NODE;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = set[middle * NODE] as number;
    if (found === start) return middle * NODE;
    if (found < start) low = middle + 1;
    else high = middle;
  }
  return -1;
}
