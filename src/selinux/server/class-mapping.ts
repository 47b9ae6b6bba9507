/** What the kernel's classes and permissions are in a policy; what it does not define is answered as it says. Linux, security/selinux/ss/services.c, selinux_set_mapping, map_decision. */

import { assert } from "../../sim/assert.ts";
import type { Names } from "../decisions/names.ts";
import type { Policy } from "../policydb/policy.ts";
import { CLASS_MAP } from "./classmap.ts";

/** One of the kernel's classes. */
export interface MappedClass {
  readonly name: string;
  /** By bit. */
  readonly permissions: readonly string[];
  /** Bits of permissions by their names. */
  readonly bits: ReadonlyMap<string, number>;
  /** Value in the policy, or 0. */
  readonly value: number;
  /** By the kernel's bit: the policy's, or 0. */
  readonly policyBits: readonly number[];
  /** The kernel's bits that the policy does not define. */
  readonly unknown: number;
}

export type Masks = Readonly<Record<"allowed" | "auditallow" | "auditdeny", number>>;

/** By the place of the class in the kernel's map. */
export type ClassMapping = readonly MappedClass[];

export const classMapping = (policy: Policy, names: Names): ClassMapping =>
  [...CLASS_MAP].map(([name, permissions]) => mappedClass(policy, names, name, permissions));

function mappedClass(
  policy: Policy,
  names: Names,
  name: string,
  permissions: readonly string[],
): MappedClass {
  const value = names.classes.get(name) ?? 0;
  const defined = policy.classes[value - 1]?.permissions ?? [];
  const policyBits = permissions.map((permission) => {
    const bit = defined.indexOf(permission);
    return bit < 0 ? 0 : 1 << bit;
  });
  const bits = new Map(permissions.map((permission, bit) => [permission, 1 << bit]));
  const unknown = policyBits.reduce((mask, bit, i) => (bit === 0 ? mask | (1 << i) : mask), 0);
  return { name, permissions, bits, value, policyBits, unknown };
}

/** An answer of the policy in the kernel's permissions. */
export function mapDecision(
  { policyBits, unknown }: MappedClass,
  { allowed, auditallow, auditdeny }: Masks,
  allowUnknown: boolean,
): Masks {
  const mapped = (mask: number): number =>
    policyBits.reduce((sum, bit, i) => ((mask & bit) === 0 ? sum : sum | (1 << i)), 0);
  return {
    allowed: mapped(allowed) | (allowUnknown ? unknown : 0),
    auditallow: mapped(auditallow),
    auditdeny: mapped(auditdeny) | (allowUnknown ? 0 : unknown),
  };
}

const NUMBERS: ReadonlyMap<string, number> = new Map(
  [...CLASS_MAP.keys()].map((name, number) => [name, number]),
);

/** Its place in the kernel's map. */
export function classNumber(name: string): number {
  const number = NUMBERS.get(name);
  assert(number !== undefined, `the kernel has a class ${name}`);
  return number;
}

/** A mask of the kernel's permissions. */
export function maskOf({ name, bits }: MappedClass, permissions: readonly string[]): number {
  let mask = 0;
  for (const permission of permissions) {
    const bit = bits.get(permission);
    assert(bit !== undefined, `the kernel's class ${name} has a permission ${permission}`);
    mask |= bit;
  }
  return mask;
}

export const namesIn = ({ permissions }: MappedClass, mask: number): readonly string[] =>
  permissions.filter((_, bit) => (mask & (1 << bit)) !== 0);

/** What the policy does not define, a line each, as the kernel says it when it loads one. */
export function undefinedIn(mapping: ClassMapping): readonly string[] {
  return mapping.flatMap(({ name, value, permissions, unknown }) => {
    if (value === 0) return [`Class ${name} not defined in policy.`];
    return permissions
      .filter((_, i) => (unknown & (1 << i)) !== 0)
      .map((permission) => `Permission ${permission} in class ${name} not defined in policy.`);
  });
}
