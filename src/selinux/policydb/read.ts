/** The binary policy, versions 26 to 33. Values are checked as the kernel does when it loads one; moreover every symbol but a type must have a name, sets hold nothing beyond the last value, and nothing follows the end. Linux, security/selinux/ss/policydb.c, policydb_read. */

import { Cursor, highestOf } from "./cursor.ts";
import { type Ebitmap, ebitmapOf, has, valuesOf } from "./ebitmap.ts";
import { type HandleUnknown, NEWEST_VERSION, OLDEST_VERSION, type Policy } from "./policy.ts";
import { ObjectReader, objectKindsOf } from "./read-objects.ts";
import { RuleReader } from "./read-rules.ts";
import { readSymbolTables } from "./read-symbols.ts";
import { TransitionReader } from "./read-transitions.ts";

const MAGIC = 0xf97cff8c;
const MAGIC_NAME = "SE Linux";
const MLS = 1;
const REJECT_UNKNOWN = 2;
const ALLOW_UNKNOWN = 4;
const SYMBOL_TABLES = 8;

/** `name` is named in the one line of an InputError when the file is damaged. */
export function readPolicy(bytes: Uint8Array, name: string): Policy {
  const cursor = new Cursor(bytes, name);
  const header = readHeader(cursor);
  const { version, mls } = header;
  const capabilities = cursor.ebitmap(Infinity, "policy capabilities");
  const permissiveOffset = cursor.offset;
  const permissiveTypes = cursor.ebitmap(Infinity, "permissive types");
  const symbols = readSymbolTables(cursor, version, mls);
  const isTypes = highestOf(permissiveTypes) <= symbols.types.length;
  cursor.expect(isTypes, "permissive types that there are", permissiveOffset);
  const rules = new RuleReader(cursor, version, symbols);
  const transitions = new TransitionReader(cursor, symbols);
  const objects = new ObjectReader(cursor, symbols);
  const policy: Policy = {
    version,
    handleUnknown: header.handleUnknown,
    capabilities,
    permissiveTypes,
    ...symbols,
    rules: rules.unconditional(),
    conditionals: rules.conditionals(),
    roleTransitions: transitions.roles(),
    roleAllows: transitions.allows(),
    filenameTransitions: transitions.filenames(version),
    ...objects.labels(version),
    genfs: objects.genfs(),
    rangeTransitions: transitions.ranges(),
    attributesOf: readAttributes(cursor, symbols.types.length),
  };
  cursor.expect(cursor.left === 0, "the end of the file");
  return policy;
}

interface Header {
  readonly version: number;
  readonly mls: boolean;
  readonly handleUnknown: HandleUnknown;
}

function readHeader(cursor: Cursor): Header {
  cursor.within(MAGIC, MAGIC, "the magic number of a binary policy");
  const length = cursor.within(MAGIC_NAME.length, MAGIC_NAME.length, "the length of a name");
  const at = cursor.offset;
  cursor.expect(cursor.text(length, "a name") === MAGIC_NAME, `the name ${MAGIC_NAME}`, at);
  const version = cursor.within(OLDEST_VERSION, NEWEST_VERSION, "a version");
  const config = cursor.u32("settings");
  cursor.within(SYMBOL_TABLES, SYMBOL_TABLES, "the number of tables of symbols");
  const kinds = objectKindsOf(version);
  cursor.within(kinds, kinds, "the number of kinds of objects");
  const isRejected = (config & REJECT_UNKNOWN) !== 0;
  const handleUnknown = isRejected ? "reject" : (config & ALLOW_UNKNOWN) !== 0 ? "allow" : "deny";
  return { version, mls: (config & MLS) !== 0, handleUnknown };
}

/** Each type has itself, whether the file says so or not. */
function readAttributes(cursor: Cursor, types: number): readonly Ebitmap[] {
  const sets: Ebitmap[] = [];
  for (let i = 0; i < types; i += 1) {
    const set = cursor.ebitmap(types, "attributes of a type");
    sets.push(has(set, i) ? set : ebitmapOf([...valuesOf(set), i]));
  }
  return sets;
}
