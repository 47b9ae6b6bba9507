/** Levels, ranges and contexts in a binary policy. Linux, security/selinux/ss/policydb.c, mls_read_range_helper and context_read_and_validate. */

import type { Cursor } from "./cursor.ts";
import type { Context, MlsLevel, MlsRange } from "./policy.ts";
import { isValidContext, isValidRange, type Symbols } from "./valid.ts";

/** Bytes of the least range, level and context. */
const SET_BYTES = 12;
const RANGE_BYTES = 8 + SET_BYTES;
export const LEVEL_BYTES = 4 + SET_BYTES;
export const CONTEXT_BYTES = 12 + RANGE_BYTES;

/** Checked by whoever knows which sensitivities and categories there are. */
export function readLevel(cursor: Cursor): MlsLevel {
  const sensitivity = cursor.u32("a sensitivity");
  return { sensitivity, categories: cursor.ebitmap(Infinity, "categories") };
}

/** Not checked either. One level stands for both ends. */
export function readRange(cursor: Cursor): MlsRange {
  const levels = cursor.within(0, 2, "the levels of a range");
  const lowest = levels > 0 ? cursor.u32("a low sensitivity") : 0;
  const highest = levels > 1 ? cursor.u32("a high sensitivity") : lowest;
  const low = { sensitivity: lowest, categories: cursor.ebitmap(Infinity, "low categories") };
  if (levels < 2) return { low, high: low };
  const categories = cursor.ebitmap(Infinity, "high categories");
  return { low, high: { sensitivity: highest, categories } };
}

export function readValidRange(cursor: Cursor, symbols: Symbols): MlsRange {
  const start = cursor.offset;
  const range = readRange(cursor);
  cursor.expect(isValidRange(symbols, range), "a valid range", start);
  return range;
}

export function readContext(cursor: Cursor, symbols: Symbols): Context {
  const start = cursor.offset;
  const user = cursor.u32("a user");
  const role = cursor.u32("a role");
  const type = cursor.u32("a type");
  const range = readRange(cursor);
  const context = { user, role, type, range: symbols.mls ? range : null };
  const isNamed = symbols.types[type - 1]?.name !== "";
  cursor.expect(isNamed && isValidContext(symbols, context), "a valid context", start);
  return context;
}
