/** Sets, levels, ranges and contexts as the binary policy has them. Linux, security/selinux/ss/ebitmap.c and policydb.c. */

import type { Ebitmap } from "../ebitmap.ts";
import type { Context, MlsLevel, MlsRange, TypeSet } from "../policy.ts";
import { isEqual } from "../ebitmap.ts";
import type { ByteWriter } from "./bytes.ts";

const NODE_BITS = 64;
const NODE_WORDS = 3;

export function writeEbitmap(out: ByteWriter, set: Ebitmap): void {
  const count = set.length / NODE_WORDS;
  // The end of the last node, though its last bits may be clear.
  const end = count === 0 ? 0 : (set[set.length - NODE_WORDS] as number) + NODE_BITS;
  out.u32(NODE_BITS, end, count);
  // A node: where it starts, then 64 bits, which lie as two words with the lower one first.
  out.u32(...set);
}

export function writeTypeSet(out: ByteWriter, set: TypeSet | null): void {
  writeEbitmap(out, set?.types ?? []);
  writeEbitmap(out, set?.negated ?? []);
  out.u32(set?.flags ?? 0);
}

export function writeLevel(out: ByteWriter, level: MlsLevel | null): void {
  out.u32(level?.sensitivity ?? 0);
  writeEbitmap(out, level?.categories ?? []);
}

/** One level where both are equal; without MLS a level of nothing stands there. */
export function writeRange(out: ByteWriter, range: MlsRange | null): void {
  const low = range?.low ?? { sensitivity: 0, categories: [] };
  const high = range?.high ?? low;
  const isOne = low.sensitivity === high.sensitivity && isEqual(low.categories, high.categories);
  if (isOne) out.u32(1, low.sensitivity);
  else out.u32(2, low.sensitivity, high.sensitivity);
  writeEbitmap(out, low.categories);
  if (!isOne) writeEbitmap(out, high.categories);
}

export function writeContext(out: ByteWriter, { user, role, type, range }: Context): void {
  out.u32(user, role, type);
  writeRange(out, range);
}
