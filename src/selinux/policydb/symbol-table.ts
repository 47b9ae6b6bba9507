/** One table of symbols in a binary policy: names in any order, each with its value. Linux, security/selinux/ss/symtab.c; policydb.c, policydb_index. */

import type { Cursor } from "./cursor.ts";

export interface Entry<T> {
  readonly name: string;
  readonly value: number;
  /** Another name of the value. */
  readonly alias: boolean;
  readonly datum: T;
}

export interface SymbolTable<T> {
  /** By value - 1; holes for values without a name. */
  readonly data: readonly (T | undefined)[];
  readonly aliases: ReadonlyMap<string, number>;
}

/**
 * `read` is told how many values there are. `bytes` is what an entry takes at least, and what a
 * value takes somewhere in the file when it may have no name.
 */
export function readSymbols<T>(
  cursor: Cursor,
  what: string,
  bytes: number,
  holes: boolean,
  read: (values: number) => Entry<T>,
): SymbolTable<T> {
  const start = cursor.offset;
  const values = cursor.count(bytes, `values of ${what}`);
  const count = cursor.count(bytes, what);
  const names = new Set<string>();
  const data: (T | undefined)[] = Array.from({ length: values });
  const aliases = new Map<string, number>();
  for (let i = 0; i < count; i += 1) {
    const at = cursor.offset;
    const entry = read(values);
    if (names.has(entry.name)) cursor.refuse(`${what} with different names`, at);
    names.add(entry.name);
    if (entry.value < 1 || entry.value > values)
      cursor.refuse(`${what} with values from 1 to ${values}, not ${entry.value}`, at);
    if (entry.alias) aliases.set(entry.name, entry.value);
    else if (data[entry.value - 1] === undefined) data[entry.value - 1] = entry.datum;
    else cursor.refuse(`${what} with different values`, at);
  }
  const isNamed = (value: number): boolean => data[value - 1] !== undefined;
  if (!holes && data.includes(undefined)) cursor.refuse(`${what} for each value`, start);
  for (const [, value] of aliases)
    if (!isNamed(value)) cursor.refuse(`aliases of ${what} that there are`, start);
  return { data, aliases };
}

/** What a table without holes holds. */
export const allOf = <T>({ data }: SymbolTable<T>): readonly T[] => data as readonly T[];
