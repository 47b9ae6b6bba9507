/**
 * Plain data: the only form that simulated state may take. Copying, hashing and comparing work on every value of
 * the type, so snapshot, digest and diff never need to know what a component keeps.
 */

import { AssertionError } from "./assert.ts";
import type { Hasher } from "./hash.ts";

export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

export type Plain =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | TypedArray
  | readonly Plain[]
  | { readonly [key: string]: Plain };

/** The part of plain data that JSON keeps: what a recorded input may carry. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function refuse(value: unknown, path: string): never {
  const what =
    typeof value === "object" && value !== null
      ? `a ${value.constructor.name}`
      : `a ${typeof value}`;
  throw new AssertionError(`state is plain data, but ${path} is ${what}`);
}

/** A copy that shares nothing with `value`. Throws AssertionError, with the path, for anything that is no plain data. */
export function clonePlain<T>(value: T, path = "it"): T {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol") refuse(value, path);
    return value;
  }
  if (Array.isArray(value)) {
    const copy = Array.from<unknown>({ length: value.length });
    for (let i = 0; i < value.length; i += 1) {
      const item: unknown = value[i];
      copy[i] = typeof item === "number" ? item : clonePlain(item, `${path}[${i}]`);
    }
    return copy as T;
  }
  if (isTypedArray(value)) return value.slice() as T;
  if (!isPlainObject(value)) refuse(value, path);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = value[key];
    const itemCopy = typeof item === "number" ? item : clonePlain(item, `${path}.${key}`);
    if (key === "__proto__") defineOwn(copy, key, itemCopy);
    else copy[key] = itemCopy;
  }
  return copy as T;
}

/** JSON may have a key `__proto__`; assigning to that would set the prototype. */
function defineOwn(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

const bytesOf = (array: TypedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Feeds `value` to `hasher`. Keys count in insertion order, which clonePlain keeps. */
export function hashPlain(hasher: Hasher, value: unknown): void {
  switch (typeof value) {
    case "number":
      hasher.u32(1);
      hasher.f64(value);
      return;
    case "string":
      hasher.u32(2);
      hasher.text(value);
      return;
    case "boolean":
      hasher.u32(value ? 3 : 4);
      return;
    case "bigint":
      hasher.u32(5);
      hasher.text(value.toString(16));
      return;
    case "undefined":
      hasher.u32(6);
      return;
    case "object":
      break;
    default:
      refuse(value, "it");
  }
  if (value === null) {
    hasher.u32(7);
  } else if (Array.isArray(value)) {
    hasher.u32(8);
    hasher.u32(value.length);
    for (const item of value) hashPlain(hasher, item);
  } else if (isTypedArray(value)) {
    hasher.u32(9);
    hasher.text(value[Symbol.toStringTag]);
    hasher.u32(value.byteLength);
    hasher.bytes(bytesOf(value));
  } else if (isPlainObject(value)) {
    const keys = Object.keys(value);
    hasher.u32(10);
    hasher.u32(keys.length);
    for (const key of keys) {
      hasher.text(key);
      hashPlain(hasher, value[key]);
    }
  } else {
    refuse(value, "it");
  }
}

export interface Difference {
  /** Where, as `.fields[3].name`; empty for the value itself. */
  readonly path: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** The first place, in the order of the left value, where two plain values differ; null when they are equal. */
export function firstDifference(left: unknown, right: unknown, path = ""): Difference | null {
  if (Object.is(left, right)) return null;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) {
    return { path, left, right };
  }
  if (Array.isArray(left) || Array.isArray(right) || isTypedArray(left) || isTypedArray(right)) {
    return firstDifferenceInList(left, right, path);
  }
  const a = left as Record<string, unknown>;
  const b = right as Record<string, unknown>;
  for (const key of Object.keys(a)) {
    if (!Object.hasOwn(b, key)) return { path: `${path}.${key}`, left: a[key], right: undefined };
    const found = firstDifference(a[key], b[key], `${path}.${key}`);
    if (found !== null) return found;
  }
  for (const key of Object.keys(b)) {
    if (!Object.hasOwn(a, key)) return { path: `${path}.${key}`, left: undefined, right: b[key] };
  }
  return null;
}

function firstDifferenceInList(left: object, right: object, path: string): Difference | null {
  const sameKind =
    Object.getPrototypeOf(left) === Object.getPrototypeOf(right) &&
    "length" in left &&
    "length" in right;
  if (!sameKind) return { path, left, right };
  const a = left as ArrayLike<unknown>;
  const b = right as ArrayLike<unknown>;
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const found = firstDifference(a[i], b[i], `${path}[${i}]`);
    if (found !== null) return found;
  }
  return a.length === b.length ? null : { path: `${path}.length`, left: a.length, right: b.length };
}
