/** What the names of a policy stand for while it is compiled. Values are as in the binary policy: from 1. */

import type {
  Constraint,
  Context,
  DefaultFrom,
  DefaultRange,
  MlsLevel,
  MlsRange,
} from "../policydb/policy.ts";
import type { Form } from "./forms.ts";
import type { Lazy } from "./lazy.ts";
import type { Bits } from "./sets.ts";

export interface CommonEntry {
  readonly name: string;
  readonly permissions: readonly string[];
}

export interface ClassEntry {
  readonly name: string;
  /** Without those of the common. */
  readonly own: readonly string[];
  /** 0 until the order is known. */
  value: number;
  common: CommonEntry | null;
  /** Index of each permission, those of the common first; made when first asked for. */
  indexOf: Map<string, number> | null;
  readonly constraints: Constraint[];
  readonly validateTransitions: Constraint[];
  defaultUser: DefaultFrom;
  defaultRole: DefaultFrom;
  defaultType: DefaultFrom;
  defaultRange: DefaultRange;
}

export interface TypeEntry {
  readonly kind: "type";
  readonly name: string;
  readonly value: number;
  /** The set of this type alone. */
  readonly bits: Bits;
  bounds: number;
}

export interface AttributeEntry {
  readonly kind: "attribute";
  readonly name: string;
  /** 0 until a rule or a constraint names it: others are in no policy. */
  value: number;
  readonly expressions: Form[];
  /** Types (bits v - 1). */
  readonly members: Lazy<Bits>;
}

/** Another name; null until it is said of what. */
export interface Alias<T> {
  readonly kind: "alias";
  actual: T | null;
}

export interface RoleEntry {
  readonly kind: "role";
  readonly name: string;
  readonly value: number;
  bounds: number;
  types: Bits;
}

export interface RoleAttributeEntry {
  readonly kind: "attribute";
  readonly name: string;
  readonly expressions: Form[];
  readonly members: Lazy<Bits>;
}

export interface UserEntry {
  readonly name: string;
  readonly value: number;
  bounds: number;
  roles: Bits;
  level: MlsLevel | null;
  range: MlsRange | null;
}

export interface SensitivityEntry {
  readonly kind: "sensitivity";
  readonly name: string;
  value: number;
  categories: Bits;
}

export interface CategoryEntry {
  readonly kind: "category";
  readonly name: string;
  value: number;
}

export interface CategorySetEntry {
  readonly kind: "set";
  readonly categories: Lazy<Bits>;
}

export interface BooleanEntry {
  readonly name: string;
  readonly value: number;
  readonly defaultState: boolean;
}

export interface SidEntry {
  readonly name: string;
  /** Number of the initial SID. */
  value: number;
  context: Context | null;
}

/** Permissions of one class: a mask. */
export interface ClassPermissions {
  readonly class: ClassEntry;
  readonly mask: number;
}

/** Commands of ioctl for one class. */
export interface ExtendedPermissionSet {
  readonly class: ClassEntry;
  readonly commands: Bits;
}
