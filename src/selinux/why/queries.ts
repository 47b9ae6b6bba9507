/**
 * Questions to a policy, one a line: `source-context target-context class permission[,permission...]`. A permission
 * `ioctl:0x5413` asks for that command too. Also audit records, as `avc:  denied  { read } for ... tclass=file`.
 */

import { InputError } from "../../sim/assert.ts";
import { computeAccess } from "../decisions/access.ts";
import type { BooleanState } from "../decisions/booleans.ts";
import { parseContext } from "../decisions/contexts.ts";
import { computeExtended, hasCommand } from "../decisions/extended.ts";
import type { LoadedPolicy } from "../decisions/loaded-policy.ts";
import type { Context } from "../policydb/policy.ts";

export interface Query {
  readonly source: Context;
  readonly target: Context;
  /** Value of the class. */
  readonly tclass: number;
  readonly permissions: readonly AskedPermission[];
}

interface AskedPermission {
  readonly name: string;
  /** A mask of one bit. */
  readonly bit: number;
  /** 16 bits; null for no command. */
  readonly command: number | null;
}

export interface Answer {
  /** Names of those that are denied. */
  readonly denied: readonly string[];
  /** The domain is permissive: what is denied is told, and let pass. */
  readonly permissive: boolean;
}

/** Null for a line that asks nothing: an empty one, or one that begins with #. Throws InputError. */
export function parseQuery(loaded: LoadedPolicy, line: string, place: string): Query | null {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return null;
  const words = /\bscontext=/.test(text) ? wordsOfRecord(text, place) : text.split(/\s+/);
  const [source, target, tclass, permissions] = words;
  if (permissions === undefined || words.length !== 4)
    throw new InputError(`${place}: expected: source-context target-context class permissions`);
  const value = loaded.names.classes.get(tclass as string);
  if (value === undefined) throw new InputError(`${place}: the policy has no class ${tclass}`);
  return {
    source: contextOf(loaded, source as string, place),
    target: contextOf(loaded, target as string, place),
    tclass: value,
    permissions: permissions.split(",").map((one) => permissionOf(loaded, value, one, place)),
  };
}

export function answer(loaded: LoadedPolicy, booleans: BooleanState, query: Query): Answer {
  const { source, target, tclass, permissions } = query;
  const access = computeAccess(loaded, booleans, source, target, tclass);
  const denied = permissions.filter(({ bit, command }) => {
    if ((access.allowed & bit) === 0) return true;
    if (command === null || access.drivers === null) return false;
    const driver = command >>> 8;
    if (!hasCommand(access.drivers, driver)) return true;
    const { allowed } = computeExtended(loaded, booleans, source, target, tclass, driver);
    return !hasCommand(allowed, command & 0xff);
  });
  return { denied: denied.map(({ name }) => name), permissive: access.permissive };
}

function wordsOfRecord(text: string, place: string): readonly string[] {
  const field = (name: string): string | undefined =>
    new RegExp(`\\b${name}=(\\S+)`).exec(text)?.[1];
  const [, permissions] = /\{ ([^}]*) \}/.exec(text) ?? [];
  const [source, target, tclass] = ["scontext", "tcontext", "tclass"].map(field);
  if (
    permissions === undefined ||
    source === undefined ||
    target === undefined ||
    tclass === undefined
  )
    throw new InputError(`${place}: the record lacks permissions, scontext, tcontext or tclass`);
  const command = field("ioctlcmd");
  const asked = permissions
    .trim()
    .split(/\s+/)
    .map((one) => (one === "ioctl" && command !== undefined ? `${one}:${command}` : one));
  return [source, target, tclass, asked.join(",")];
}

function contextOf(loaded: LoadedPolicy, text: string, place: string): Context {
  const context = parseContext(loaded, text);
  if (context === null) throw new InputError(`${place}: the policy has no context ${text}`);
  return context;
}

function permissionOf(
  loaded: LoadedPolicy,
  tclass: number,
  text: string,
  place: string,
): AskedPermission {
  const [, name = text, command] = /^(ioctl):(0x[0-9a-fA-F]{1,4})$/.exec(text) ?? [];
  const { permissions = [], name: className = "" } = loaded.policy.classes[tclass - 1] ?? {};
  const bit = permissions.indexOf(name);
  if (bit < 0) throw new InputError(`${place}: the class ${className} has no permission ${name}`);
  return {
    name: text,
    bit: (1 << bit) >>> 0,
    command: command === undefined ? null : Number(command),
  };
}
