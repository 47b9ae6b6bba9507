/** The policy of all that was said. */

import { EMPTY, ebitmapOf } from "../policydb/ebitmap.ts";
import {
  NEWEST_VERSION,
  type Policy,
  type SecurityClass,
  type Type,
  type User,
} from "../policydb/policy.ts";
import { permissionsOf } from "./classes.ts";
import type { Compilation } from "./compilation.ts";
import { evaluate } from "./conditions.ts";
import { genfsOf } from "./file-systems.ts";
import { allRoles } from "./roles.ts";
import { bit, ebitmapOfBits, numbersIn } from "./sets.ts";

export function policyOf(c: Compilation): Policy {
  return {
    version: NEWEST_VERSION,
    mls: c.mls,
    handleUnknown: c.handleUnknown,
    capabilities: ebitmapOf(c.capabilities),
    permissiveTypes: ebitmapOf(c.permissiveTypes),
    commons: commonsOf(c),
    classes: classesOf(c),
    roles: rolesOf(c),
    types: typesOf(c),
    users: usersOf(c),
    booleans: c.booleans.all().map(([name, { defaultState }]) => ({ name, defaultState })),
    ...levelsOf(c),
    aliases: aliasesOf(c),
    rules: c.rules.toTable(),
    conditionals: conditionalsOf(c),
    roleTransitions: [...c.roleTransitions.values()],
    roleAllows: c.roleAllows,
    filenameTransitions: filenameTransitionsOf(c),
    rangeTransitions: c.mls ? [...c.rangeTransitions.values()] : [],
    initialSids: sidsOf(c),
    objects: c.objects,
    genfs: genfsOf(c),
    attributesOf: attributesOf(c),
  };
}

/** Those that classes have: others say nothing. */
function commonsOf(c: Compilation): Policy["commons"] {
  const used = new Set(c.ordered.classes.map(({ common }) => common));
  return c.commons.all().flatMap(([, common]) => (used.has(common) ? [common] : []));
}

function classesOf(c: Compilation): readonly SecurityClass[] {
  const commons = commonsOf(c);
  return c.ordered.classes.map((tclass) => ({
    name: tclass.name,
    common: tclass.common === null ? null : commons.indexOf(tclass.common),
    permissions: permissionsOf(tclass),
    constraints: tclass.constraints,
    validateTransitions: tclass.validateTransitions,
    defaultUser: tclass.defaultUser,
    defaultRole: tclass.defaultRole,
    defaultType: tclass.defaultType,
    defaultRange: tclass.defaultRange,
  }));
}

function rolesOf(c: Compilation): Policy["roles"] {
  return [...allRoles(c)]
    .sort((a, b) => a.value - b.value)
    .map(({ name, value, bounds, types }) => ({
      name,
      bounds,
      dominates: ebitmapOfBits(bit(value - 1)),
      types: value === 1 ? EMPTY : ebitmapOfBits(types),
    }));
}

function typesOf(c: Compilation): readonly Type[] {
  const types = c.types.all().flatMap(([, entry]) => (entry.kind === "type" ? [entry] : []));
  return [
    ...types.map(({ name, bounds }) => ({ name, attribute: false, bounds })),
    ...c.usedAttributes.map(({ name }) => ({ name, attribute: true, bounds: 0 })),
  ];
}

/** Every user may have object_r, and no policy says so. */
const OBJECT_ROLE = bit(0);

const usersOf = (c: Compilation): readonly User[] =>
  c.users.all().map(([, { name, bounds, roles, level, range }]) => ({
    name,
    bounds,
    roles: ebitmapOfBits(roles & ~OBJECT_ROLE),
    range: c.mls ? range : null,
    defaultLevel: c.mls ? level : null,
  }));

function levelsOf(c: Compilation): Pick<Policy, "sensitivities" | "categories"> {
  if (!c.mls) return { sensitivities: [], categories: [] };
  const sensitivities = c.sensitivities
    .all()
    .flatMap(([, entry]) => (entry.kind === "sensitivity" ? [entry] : []))
    .sort((a, b) => a.value - b.value)
    .map(({ name, categories }) => ({ name, categories: ebitmapOfBits(categories) }));
  return { sensitivities, categories: c.ordered.categories.map(({ name }) => ({ name })) };
}

function aliasesOf(c: Compilation): Policy["aliases"] {
  return {
    types: actualsOf(c.types.all()),
    sensitivities: c.mls ? actualsOf(c.sensitivities.all()) : new Map(),
    categories: c.mls ? actualsOf(c.categories.all()) : new Map(),
  };
}

function actualsOf(
  entries: readonly (readonly [
    string,
    { readonly kind: string; readonly actual?: { readonly value: number } | null },
  ])[],
): ReadonlyMap<string, number> {
  return new Map(
    entries.flatMap(([name, { kind, actual }]) =>
      kind === "alias" && actual ? [[name, actual.value] as const] : [],
    ),
  );
}

function conditionalsOf(c: Compilation): Policy["conditionals"] {
  const states = c.booleans.all().map(([, { defaultState }]) => defaultState);
  return [...c.conditionals.values()].map(({ expression, whenTrue, whenFalse }) => ({
    expression,
    initially: evaluate(expression, (boolean) => states[boolean - 1] === true),
    whenTrue: whenTrue.toTable(),
    whenFalse: whenFalse.toTable(),
  }));
}

const filenameTransitionsOf = (c: Compilation): Policy["filenameTransitions"] =>
  [...c.filenameTransitions.values()].flatMap(({ name, target, class: tclass, sources }) =>
    [...sources].map(([newType, types]) => ({
      name,
      target,
      class: tclass,
      sources: ebitmapOfBits(types),
      newType,
    })),
  );

const sidsOf = (c: Compilation): Policy["initialSids"] =>
  c.sids
    .all()
    .flatMap(([, { value, context }]) => (context === null ? [] : [{ sid: value, context }]))
    .sort((a, b) => a.sid - b.sid);

/** The type itself and its attributes. */
function attributesOf(c: Compilation): Policy["attributesOf"] {
  const count = c.typeCount + c.usedAttributes.length;
  const bits = Array.from({ length: count }, (_, i) => [i]);
  for (const { value, members } of c.usedAttributes)
    for (const type of numbersIn(members.value)) bits[type]?.push(value - 1);
  return bits.map(ebitmapOf);
}
