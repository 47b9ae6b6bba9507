/** A policy, as the kernel holds it: what the binary format says and nothing derived. Linux, security/selinux/ss/policydb.h; The SELinux Notebook, "Kernel Policy Language". */

import type { Ebitmap } from "./ebitmap.ts";

/** Versions of the binary format that are read and written. */
export const OLDEST_VERSION = 26;
export const NEWEST_VERSION = 33;

/** The first versions with what older ones cannot say: POLICYDB_VERSION_… of security/selinux/include/security.h. */
export const VERSION = {
  newObjectDefaults: 27,
  defaultType: 28,
  constraintNames: 29,
  extendedPermissions: 30,
  infiniband: 31,
  glblub: 32,
  compressedFilenameTransitions: 33,
} as const;

/** What is answered about classes and permissions that the policy does not define. */
export type HandleUnknown = "deny" | "reject" | "allow";

/**
 * Classes, roles, types, users, sensitivities, categories and booleans have values from 1; the
 * one with value v is at index v - 1 of its list. In an Ebitmap, bit v - 1 stands for value v.
 */
export interface Policy {
  readonly version: number;
  /** With sensitivities and categories. */
  readonly mls: boolean;
  readonly handleUnknown: HandleUnknown;
  /** Numbers of policy capabilities, as in security/selinux/include/policycap.h: bits themselves, from 0. */
  readonly capabilities: Ebitmap;
  /** Bit v, not v - 1, is the type of value v. */
  readonly permissiveTypes: Ebitmap;
  readonly commons: readonly Common[];
  readonly classes: readonly SecurityClass[];
  readonly roles: readonly Role[];
  readonly types: readonly Type[];
  readonly users: readonly User[];
  readonly booleans: readonly PolicyBoolean[];
  readonly sensitivities: readonly Sensitivity[];
  readonly categories: readonly Category[];
  /** Other names of types, sensitivities and categories. */
  readonly aliases: {
    readonly types: ReadonlyMap<string, number>;
    readonly sensitivities: ReadonlyMap<string, number>;
    readonly categories: ReadonlyMap<string, number>;
  };
  /** The rules that hold always. */
  readonly rules: AvTable;
  readonly conditionals: readonly Conditional[];
  readonly roleTransitions: readonly RoleTransition[];
  readonly roleAllows: readonly RoleAllow[];
  readonly filenameTransitions: readonly FilenameTransition[];
  readonly rangeTransitions: readonly RangeTransition[];
  readonly initialSids: readonly InitialSid[];
  readonly objects: ObjectContexts;
  readonly genfs: readonly GenfsContext[];
  /** By type value - 1: the type itself and its attributes, bits v - 1. */
  readonly attributesOf: readonly Ebitmap[];
}

export interface Common {
  readonly name: string;
  /** By bit. */
  readonly permissions: readonly string[];
}

export interface SecurityClass {
  readonly name: string;
  /** Index in `commons`; its permissions come first. */
  readonly common: number | null;
  /** By bit, those of the common included; at most 32. */
  readonly permissions: readonly string[];
  readonly constraints: readonly Constraint[];
  /** Its permissions are 0. */
  readonly validateTransitions: readonly Constraint[];
  readonly defaultUser: DefaultFrom;
  readonly defaultRole: DefaultFrom;
  readonly defaultType: DefaultFrom;
  readonly defaultRange: DefaultRange;
}

export type DefaultFrom = "none" | "source" | "target";
export type DefaultRange =
  | "none"
  | "source low"
  | "source high"
  | "source low-high"
  | "target low"
  | "target high"
  | "target low-high"
  | "glblub";

export interface Constraint {
  /** Of which permissions: a mask. */
  readonly permissions: number;
  /** In postfix order. */
  readonly expression: readonly ConstraintNode[];
}

/** What two contexts are compared by. `h1 l2` are named as in the language; `1` is the source or the old context, `2` the target or the new one, `3` the task of a validatetrans. */
export type ConstraintAttribute =
  | "user"
  | "role"
  | "type"
  | "l1 l2"
  | "l1 h2"
  | "h1 l2"
  | "h1 h2"
  | "l1 h1"
  | "l2 h2";

export type ConstraintOperator = "eq" | "neq" | "dom" | "domby" | "incomp";

export type ConstraintNode =
  | { readonly kind: "not" | "and" | "or" }
  | {
      /** Of both contexts. */
      readonly kind: "attribute";
      readonly attribute: ConstraintAttribute;
      readonly operator: ConstraintOperator;
    }
  | {
      /** Of one context, and names. */
      readonly kind: "names";
      readonly attribute: "user" | "role" | "type";
      readonly context: 1 | 2 | 3;
      readonly operator: "eq" | "neq";
      /** Users, roles or types, attributes expanded. */
      readonly names: Ebitmap;
      /** The types as they were written; null in versions before 29 and where none are kept. */
      readonly written: TypeSet | null;
    };

export interface TypeSet {
  readonly types: Ebitmap;
  readonly negated: Ebitmap;
  /** 1: all types; 2: all but these. */
  readonly flags: number;
}

export interface Role {
  readonly name: string;
  /** Value of the role that bounds it, or 0. */
  readonly bounds: number;
  readonly dominates: Ebitmap;
  readonly types: Ebitmap;
}

export interface Type {
  /** Empty for a value that has no name. */
  readonly name: string;
  readonly attribute: boolean;
  /** Value of the type that bounds it, or 0. */
  readonly bounds: number;
}

export interface User {
  readonly name: string;
  readonly bounds: number;
  readonly roles: Ebitmap;
  /** Null without MLS. */
  readonly range: MlsRange | null;
  readonly defaultLevel: MlsLevel | null;
}

export interface PolicyBoolean {
  readonly name: string;
  readonly defaultState: boolean;
}

export interface Sensitivity {
  readonly name: string;
  /** Those that may stand with it. */
  readonly categories: Ebitmap;
}

export interface Category {
  readonly name: string;
}

export interface MlsLevel {
  /** A value, from 1. */
  readonly sensitivity: number;
  readonly categories: Ebitmap;
}

export interface MlsRange {
  readonly low: MlsLevel;
  readonly high: MlsLevel;
}

export interface Context {
  readonly user: number;
  readonly role: number;
  readonly type: number;
  /** Null without MLS. */
  readonly range: MlsRange | null;
}

/** Bits of `specified`: exactly one is set. */
export const AV = {
  allowed: 0x0001,
  auditallow: 0x0002,
  /** The data are what is audited when denied: a dontaudit rule clears bits. */
  auditdeny: 0x0004,
  transition: 0x0010,
  member: 0x0020,
  change: 0x0040,
  xpermsAllowed: 0x0100,
  xpermsAuditallow: 0x0200,
  xpermsDontaudit: 0x0400,
} as const;

/** Beside the bit of `specified`, in files alone: a conditional's rule that held when the policy was written. */
export const AV_ENABLED = 0x8000;

/** Rules, a column for each field; rule i is at index i of each. */
export interface AvTable {
  /** Values of types or attributes. */
  readonly source: Uint16Array;
  readonly target: Uint16Array;
  readonly class: Uint16Array;
  readonly specified: Uint16Array;
  /** Permissions, or the new type; for extended permissions an index in `extended`. */
  readonly data: Uint32Array;
  readonly extended: readonly ExtendedPermissions[];
}

export interface ExtendedPermissions {
  /** `function`: commands of the one driver (the high byte of an ioctl); `driver`: whole drivers. */
  readonly kind: "function" | "driver";
  readonly driver: number;
  /** 256 bits in eight words. */
  readonly permissions: readonly number[];
}

export interface Conditional {
  /** In postfix order. */
  readonly expression: readonly ConditionalNode[];
  /** What the expression was when the policy was written. */
  readonly initially: boolean;
  readonly whenTrue: AvTable;
  readonly whenFalse: AvTable;
}

export type ConditionalNode =
  | { readonly kind: "boolean"; readonly boolean: number }
  | { readonly kind: "not" | "or" | "and" | "xor" | "eq" | "neq" };

export interface RoleTransition {
  readonly role: number;
  readonly type: number;
  readonly class: number;
  readonly newRole: number;
}

export interface RoleAllow {
  readonly role: number;
  readonly newRole: number;
}

/** One for each (name, target, class, new type). */
export interface FilenameTransition {
  readonly name: string;
  readonly target: number;
  readonly class: number;
  /** Types (bits v - 1), attributes expanded. */
  readonly sources: Ebitmap;
  readonly newType: number;
}

export interface RangeTransition {
  readonly source: number;
  readonly target: number;
  readonly class: number;
  readonly range: MlsRange;
}

export interface InitialSid {
  /** Number of the kernel's initial SID: security/selinux/include/initial_sid_to_string.h. */
  readonly sid: number;
  readonly context: Context;
}

/** Contexts of what the kernel labels by itself. */
export interface ObjectContexts {
  readonly filesystems: readonly {
    readonly name: string;
    readonly context: Context;
    readonly fileContext: Context;
  }[];
  readonly ports: readonly {
    readonly protocol: number;
    readonly low: number;
    readonly high: number;
    readonly context: Context;
  }[];
  readonly interfaces: readonly {
    readonly name: string;
    readonly context: Context;
    readonly packetContext: Context;
  }[];
  /** Addresses in network order: 4 bytes or 16. */
  readonly nodes: readonly {
    readonly address: readonly number[];
    readonly mask: readonly number[];
    readonly context: Context;
  }[];
  readonly fsUses: readonly {
    /** 1 xattr, 2 transition, 3 task, 4 genfs, 5 none, 7 native, as in the format. */
    readonly behavior: number;
    readonly name: string;
    readonly context: Context;
  }[];
  readonly infinibandKeys: readonly {
    /** Eight bytes. */
    readonly subnetPrefix: readonly number[];
    readonly low: number;
    readonly high: number;
    readonly context: Context;
  }[];
  readonly infinibandPorts: readonly {
    readonly device: string;
    readonly port: number;
    readonly context: Context;
  }[];
}

/** What files of a file system without labels have: the longest prefix of the path. */
export interface GenfsContext {
  readonly filesystem: string;
  readonly paths: readonly {
    readonly path: string;
    /** Of files of this class alone, or 0. */
    readonly class: number;
    readonly context: Context;
  }[];
}
