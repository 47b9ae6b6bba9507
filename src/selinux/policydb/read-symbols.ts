/** The tables of symbols of a binary policy, and what must hold between them. Linux, security/selinux/ss/policydb.c, policydb_read. */

import { checkBounds } from "./bounds.ts";
import { type Cursor, highestOf } from "./cursor.ts";
import type { Category, Policy, PolicyBoolean, Role, Sensitivity, Type, User } from "./policy.ts";
import { readClasses, readCommons } from "./read-classes.ts";
import type { LaterSet } from "./read-constraints.ts";
import { LEVEL_BYTES, readLevel, readRange } from "./read-contexts.ts";
import { allOf, type Entry, readSymbols, type SymbolTable } from "./symbol-table.ts";
import { isValidLevel, isValidRange, OBJECT_R } from "./valid.ts";

export type SymbolTables = Pick<
  Policy,
  | "mls"
  | "commons"
  | "classes"
  | "roles"
  | "types"
  | "users"
  | "booleans"
  | "sensitivities"
  | "categories"
  | "aliases"
>;

const SET_BYTES = 12;
const PRIMARY = 1;
const ATTRIBUTE = 2;

export function readSymbolTables(cursor: Cursor, version: number, mls: boolean): SymbolTables {
  const later: LaterSet[] = [];
  const start = cursor.offset;
  const commons = readCommons(cursor);
  const classes = readClasses(cursor, version, commons, later);
  const roles = allOf(
    readSymbols(cursor, "roles", 13 + 2 * SET_BYTES, false, (values) =>
      readRole(cursor, values, later),
    ),
  );
  const types = readTypes(cursor);
  const users = allOf(
    readSymbols(cursor, "users", 13 + SET_BYTES + 2 * LEVEL_BYTES, false, () =>
      readUser(cursor, roles.length, mls),
    ),
  );
  const booleans = allOf(readSymbols(cursor, "booleans", 13, false, () => readBoolean(cursor)));
  const sensitivities = readSymbols(cursor, "sensitivities", 9 + LEVEL_BYTES, false, () =>
    readSensitivity(cursor, later),
  );
  const categories = readSymbols(cursor, "categories", 13, false, () => readCategory(cursor));
  const tables: SymbolTables = {
    mls,
    commons,
    classes,
    roles,
    types: Array.from(types.data, (type) => type ?? NAMELESS),
    users,
    booleans,
    sensitivities: allOf(sensitivities),
    categories: allOf(categories),
    aliases: {
      types: types.aliases,
      sensitivities: sensitivities.aliases,
      categories: categories.aliases,
    },
  };
  checkTables(cursor, tables, later, start);
  return tables;
}

const NAMELESS: Type = { name: "", attribute: false, bounds: 0 };

function readRole(cursor: Cursor, values: number, later: LaterSet[]): Entry<Role> {
  const length = cursor.u32("a role");
  const value = cursor.u32("a role");
  const bounds = cursor.within(0, values, "the bounds of a role");
  const at = cursor.offset;
  const name = cursor.text(length, "a role");
  const isObject = name === "object_r";
  cursor.expect(isObject === (value === OBJECT_R), "object_r as the role of value 1", at);
  const dominates = cursor.ebitmap(values, "dominated roles");
  const offset = cursor.offset;
  const types = cursor.ebitmap(Infinity, "types of a role");
  later.push({ of: "type", set: types, offset });
  return { name, value, alias: false, datum: { name, bounds, dominates, types } };
}

/** Every value has a set of attributes at the end of the file. */
function readTypes(cursor: Cursor): SymbolTable<Type> {
  return readSymbols(cursor, "types", SET_BYTES, true, (values) => {
    const length = cursor.u32("a type");
    const value = cursor.u32("a type");
    const properties = cursor.u32("a type");
    const bounds = cursor.within(0, values, "the bounds of a type");
    const name = cursor.text(length, "a type");
    const datum = { name, attribute: (properties & ATTRIBUTE) !== 0, bounds };
    return { name, value, alias: (properties & PRIMARY) === 0, datum };
  });
}

function readUser(cursor: Cursor, roles: number, mls: boolean): Entry<User> {
  const length = cursor.u32("a user");
  const value = cursor.u32("a user");
  const bounds = cursor.u32("a user");
  const name = cursor.text(length, "a user");
  const set = cursor.ebitmap(roles, "roles of a user");
  const range = readRange(cursor);
  const level = readLevel(cursor);
  const datum = {
    name,
    bounds,
    roles: set,
    range: mls ? range : null,
    defaultLevel: mls ? level : null,
  };
  return { name, value, alias: false, datum };
}

function readBoolean(cursor: Cursor): Entry<PolicyBoolean> {
  const value = cursor.u32("a boolean");
  const state = cursor.within(0, 1, "the state of a boolean");
  const name = cursor.text(cursor.u32("a boolean"), "a boolean");
  return { name, value, alias: false, datum: { name, defaultState: state === 1 } };
}

function readSensitivity(cursor: Cursor, later: LaterSet[]): Entry<Sensitivity> {
  const length = cursor.u32("a sensitivity");
  const alias = cursor.u32("a sensitivity") !== 0;
  const name = cursor.text(length, "a sensitivity");
  const offset = cursor.offset;
  const { sensitivity, categories } = readLevel(cursor);
  later.push({ of: "category", set: categories, offset });
  return { name, value: sensitivity, alias, datum: { name, categories } };
}

function readCategory(cursor: Cursor): Entry<Category> {
  const length = cursor.u32("a category");
  const value = cursor.u32("a category");
  const alias = cursor.u32("a category") !== 0;
  const name = cursor.text(length, "a category");
  return { name, value, alias, datum: { name } };
}

function checkTables(
  cursor: Cursor,
  tables: SymbolTables,
  later: readonly LaterSet[],
  start: number,
): void {
  const limits = {
    user: tables.users.length,
    role: tables.roles.length,
    type: tables.types.length,
    category: tables.categories.length,
  };
  for (const { of, set, offset } of later)
    cursor.expect(highestOf(set) < limits[of], `values of ${of} that there are`, offset);
  if (tables.mls) checkLevels(cursor, tables, start);
  checkBounds(cursor, tables, start);
  const process = tables.classes.find(({ name }) => name === "process");
  for (const name of ["transition", "dyntransition"])
    cursor.expect(
      process?.permissions.includes(name) === true,
      `a class process with a permission ${name}`,
      start,
    );
}

function checkLevels(cursor: Cursor, tables: SymbolTables, start: number): void {
  for (const { name, range, defaultLevel } of tables.users) {
    const isValid =
      range !== null &&
      defaultLevel !== null &&
      isValidRange(tables, range) &&
      isValidLevel(tables, defaultLevel);
    cursor.expect(isValid, `a valid range and level of user ${name}`, start);
  }
}
