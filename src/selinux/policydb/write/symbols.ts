/** The tables of symbols, in the format's order. Linux, security/selinux/ss/policydb.c, policydb_write. */

import type { Policy } from "../policy.ts";
import { type ByteWriter, lengthOf } from "./bytes.ts";
import { writeClass, writeCommon } from "./classes.ts";
import { writeEbitmap, writeLevel, writeRange } from "./sets.ts";

/** Bits of a type's properties. */
const PRIMARY = 1;
const ATTRIBUTE = 2;

export function writeSymbols(out: ByteWriter, policy: Policy): void {
  writeTable(out, policy.commons, (common, value) => writeCommon(out, common, value));
  writeTable(out, policy.classes, (tclass, value) => writeClass(out, policy, tclass, value));
  writeTable(out, policy.roles, ({ name, bounds, dominates, types }, value) => {
    out.u32(lengthOf(name), value, bounds);
    out.text(name);
    writeEbitmap(out, dominates);
    writeEbitmap(out, types);
  });
  writeTypes(out, policy);
  writeTable(out, policy.users, ({ name, bounds, roles, range, defaultLevel }, value) => {
    out.u32(lengthOf(name), value, bounds);
    out.text(name);
    writeEbitmap(out, roles);
    writeRange(out, range);
    writeLevel(out, defaultLevel);
  });
  writeTable(out, policy.booleans, ({ name, defaultState }, value) => {
    out.u32(value, defaultState ? 1 : 0, lengthOf(name));
    out.text(name);
  });
  writeSensitivities(out, policy);
  writeCategories(out, policy);
}

/** How many values there are, how many entries, then the entries. */
function writeTable<T>(
  out: ByteWriter,
  entries: readonly T[],
  write: (entry: T, value: number) => void,
): void {
  out.u32(entries.length, entries.length);
  for (const [i, entry] of entries.entries()) write(entry, i + 1);
}

function writeTypes(out: ByteWriter, { types, aliases }: Policy): void {
  const named = types.filter(({ name }) => name !== "").length;
  out.u32(types.length, named + aliases.types.size);
  for (const [i, { name, attribute, bounds }] of types.entries()) {
    if (name === "") continue;
    out.u32(lengthOf(name), i + 1, PRIMARY | (attribute ? ATTRIBUTE : 0), bounds);
    out.text(name);
  }
  for (const [name, value] of aliases.types) {
    out.u32(lengthOf(name), value, 0, 0);
    out.text(name);
  }
}

function writeSensitivities(out: ByteWriter, { sensitivities, aliases }: Policy): void {
  out.u32(sensitivities.length, sensitivities.length + aliases.sensitivities.size);
  const write = (name: string, value: number, isAlias: boolean): void => {
    out.u32(lengthOf(name), isAlias ? 1 : 0);
    out.text(name);
    const categories = sensitivities[value - 1]?.categories ?? [];
    writeLevel(out, { sensitivity: value, categories });
  };
  for (const [i, { name }] of sensitivities.entries()) write(name, i + 1, false);
  for (const [name, value] of aliases.sensitivities) write(name, value, true);
}

function writeCategories(out: ByteWriter, { categories, aliases }: Policy): void {
  out.u32(categories.length, categories.length + aliases.categories.size);
  const write = (name: string, value: number, isAlias: boolean): void => {
    out.u32(lengthOf(name), value, isAlias ? 1 : 0);
    out.text(name);
  };
  for (const [i, { name }] of categories.entries()) write(name, i + 1, false);
  for (const [name, value] of aliases.categories) write(name, value, true);
}
