/** Commons and classes in a binary policy. Linux, security/selinux/ss/policydb.c, common_read and class_read. */

import type { Cursor } from "./cursor.ts";
import type { Common, DefaultFrom, DefaultRange, SecurityClass } from "./policy.ts";
import { type LaterSet, readConstraints } from "./read-constraints.ts";
import { allOf, type Entry, readSymbols } from "./symbol-table.ts";

const OBJECT_DEFAULTS_SINCE = 27;
const DEFAULT_TYPE_SINCE = 28;
const GLBLUB_SINCE = 32;
const PERMISSIONS_MAX = 32;

const FROM: readonly DefaultFrom[] = ["none", "source", "target"];
const RANGES: readonly DefaultRange[] = [
  "none",
  "source low",
  "source high",
  "source low-high",
  "target low",
  "target high",
  "target low-high",
  "glblub",
];

export function readCommons(cursor: Cursor): readonly Common[] {
  const read = (): Entry<Common> => {
    const length = cursor.u32("a common");
    const value = cursor.u32("a common");
    const values = cursor.within(0, PERMISSIONS_MAX, "permissions of a common");
    const count = cursor.count(8, "permissions of a common");
    const name = cursor.text(length, "a common");
    const permissions = readPermissions(cursor, [], values, count);
    return { name, value, alias: false, datum: { name, permissions } };
  };
  return allOf(readSymbols(cursor, "commons", 17, false, read));
}

export function readClasses(
  cursor: Cursor,
  version: number,
  commons: readonly Common[],
  later: LaterSet[],
): readonly SecurityClass[] {
  const byName = new Map(commons.map(({ name }, i) => [name, i]));
  const read = (): Entry<SecurityClass> => readClass(cursor, version, commons, byName, later);
  return allOf(readSymbols(cursor, "classes", 29, false, read));
}

function readClass(
  cursor: Cursor,
  version: number,
  commons: readonly Common[],
  byName: ReadonlyMap<string, number>,
  later: LaterSet[],
): Entry<SecurityClass> {
  const length = cursor.u32("a class");
  const commonLength = cursor.u32("a class");
  const value = cursor.u32("a class");
  const values = cursor.within(0, PERMISSIONS_MAX, "permissions of a class");
  const count = cursor.count(8, "permissions of a class");
  const constraints = cursor.count(8, "constraints of a class");
  const name = cursor.text(length, "a class");
  const common = commonLength === 0 ? null : readCommonName(cursor, commonLength, byName);
  const inherited = common === null ? [] : (commons[common] as Common).permissions;
  const datum = {
    name,
    common,
    permissions: readPermissions(cursor, inherited, values, count),
    constraints: readConstraints(cursor, constraints, { version, third: false, later }),
    validateTransitions: readConstraints(cursor, cursor.count(8, "validatetrans of a class"), {
      version,
      third: true,
      later,
    }),
    ...readDefaults(cursor, version),
  };
  return { name, value, alias: false, datum };
}

function readCommonName(
  cursor: Cursor,
  length: number,
  byName: ReadonlyMap<string, number>,
): number {
  const at = cursor.offset;
  const common = byName.get(cursor.text(length, "a class's common"));
  if (common === undefined) cursor.refuse("a common that there is", at);
  return common;
}

/** Those after the inherited ones have the values that follow theirs. */
function readPermissions(
  cursor: Cursor,
  inherited: readonly string[],
  values: number,
  count: number,
): readonly string[] {
  const start = cursor.offset;
  const permissions: string[] = [...inherited];
  const own: (string | undefined)[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = cursor.offset;
    const length = cursor.u32("a permission");
    const bit = cursor.within(1, PERMISSIONS_MAX, "the value of a permission") - 1;
    const name = cursor.text(length, "a permission");
    const isNew = bit >= inherited.length && own[bit] === undefined;
    cursor.expect(isNew && !own.includes(name), "different permissions", at);
    own[bit] = name;
  }
  for (let bit = inherited.length; bit < values; bit += 1)
    permissions.push(own[bit] ?? cursor.refuse("a permission for each bit", start));
  cursor.expect(permissions.length === inherited.length + count, "a permission a bit", start);
  return permissions;
}

function readDefaults(
  cursor: Cursor,
  version: number,
): Pick<SecurityClass, "defaultUser" | "defaultRole" | "defaultType" | "defaultRange"> {
  const from = (what: string): DefaultFrom => FROM[cursor.within(0, 2, what)] as DefaultFrom;
  const hasObjects = version >= OBJECT_DEFAULTS_SINCE;
  const defaultUser = hasObjects ? from("the default user") : "none";
  const defaultRole = hasObjects ? from("the default role") : "none";
  const highest = version >= GLBLUB_SINCE ? 7 : 6;
  const range = hasObjects ? cursor.within(0, highest, "the default range") : 0;
  const defaultType = version >= DEFAULT_TYPE_SINCE ? from("the default type") : "none";
  return { defaultUser, defaultRole, defaultType, defaultRange: RANGES[range] as DefaultRange };
}
