/**
 * What an ioctl is: its name, its number, what it is called on, the structure that it takes and what it does. Linux UAPI,
 * include/uapi/asm-generic/ioctl.h. Structures are plain objects with the fields of the C structures; those of 64 bits
 * are BigInt.
 */

import type { Errno } from "../../linux/errno.ts";
import type { Host } from "../../linux/host.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import type { Task } from "../../linux/task.ts";

export type Scalar = "u8" | "u16" | "u32" | "u64";

export interface Struct<F extends Record<string, Kind> = Record<string, Kind>> {
  readonly fields: F;
  /** Bytes that have no name. */
  readonly padding: number;
}

export interface Vector<E extends Kind = Kind> {
  readonly of: E;
  readonly count: number;
}

/** A structure whose header counts the entries that follow: only the header's size is part of the number. */
export interface Counted<E extends Kind = Kind> {
  readonly entries: E;
  readonly headerBytes: number;
}

// Interfaces, since they name themselves.
export interface AnyStruct extends Struct<{ [name: string]: Kind }> {}
export interface AnyVector extends Vector {}
export type Kind = Scalar | AnyStruct | AnyVector;
export type Structure = Kind | Counted | null;

export type ValueOf<K> = K extends "u64"
  ? bigint
  : K extends Scalar
    ? number
    : K extends Struct<infer F>
      ? { readonly [N in keyof F]: ValueOf<F[N]> }
      : K extends Vector<infer E>
        ? readonly ValueOf<E>[]
        : K extends Counted<infer E>
          ? readonly ValueOf<E>[]
          : null;

export const struct = <F extends Record<string, Kind>>(fields: F, padding = 0): Struct<F> => ({
  fields,
  padding,
});
export const vector = <E extends Kind>(of: E, count: number): Vector<E> => ({ of, count });
export const counted = <E extends Kind>(entries: E, headerBytes: number): Counted<E> => ({
  entries,
  headerBytes,
});

const SCALAR_BYTES: Readonly<Record<Scalar, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

function bytesOf(kind: Structure): number {
  if (kind === null) return 0;
  if (typeof kind === "string") return SCALAR_BYTES[kind];
  if ("count" in kind) return kind.count * bytesOf(kind.of);
  if ("entries" in kind) return kind.headerBytes;
  return Object.values(kind.fields).reduce((sum, field) => sum + bytesOf(field), kind.padding);
}

/** Whether a value can be what user space's memory holds; what cannot is a bad address. */
export function fits(kind: Structure, value: unknown): boolean {
  if (kind === null) return value === null;
  if (kind === "u64") return typeof value === "bigint" && BigInt.asUintN(64, value) === value;
  if (typeof kind === "string") {
    const bits = 8 * SCALAR_BYTES[kind];
    return Number.isSafeInteger(value) && BigInt(value as number) >> BigInt(bits) === 0n;
  }
  if ("fields" in kind) {
    if (typeof value !== "object" || value === null) return false;
    const fields = value as Readonly<Record<string, unknown>>;
    return Object.entries(kind.fields).every(([name, field]) => fits(field, fields[name]));
  }
  if (!Array.isArray(value)) return false;
  if ("count" in kind && value.length !== kind.count) return false;
  const element = "count" in kind ? kind.of : kind.entries;
  return value.every((one) => fits(element, one));
}

const [WRITE, READ] = [1, 2];
const KVMIO = 0xae;

/** How the structure goes: _IO takes a plain number, or nothing. */
type Direction = "_IO" | "_IOR" | "_IOW" | "_IOWR";
const DIRECTIONS: Readonly<Record<Direction, number>> = {
  _IO: 0,
  _IOW: WRITE,
  _IOR: READ,
  _IOWR: READ | WRITE,
};

const numberOf = (direction: Direction, number: number, size: number): number =>
  ((DIRECTIONS[direction] << 30) | (size << 16) | (KVMIO << 8) | number) >>> 0;

export type On = "system" | "vm" | "vcpu";

export interface Ioctl<Target = unknown, S extends Structure = Structure, Out = unknown> {
  readonly name: string;
  readonly number: number;
  readonly on: readonly On[];
  /** What is passed; null where it is nothing. */
  readonly takes: S;
  run(target: Target, argument: ValueOf<S>, caller: Caller): Out | Errno;
}

/** What the kernel knows of who calls. */
export interface Caller {
  readonly task: Task;
  /** The CPU that the task is on, and the cycle at which it has to give it back. */
  readonly cpu: HostCpu;
  readonly limit: number;
  /** Who is to be woken when it sleeps in a call; null when nobody is. */
  readonly thread?: number | null;
  /** A signal is pending, which ends calls that wait. */
  readonly hasSignal?: boolean;
}

/** The host's cycles: a CPU without work has not counted all of them. */
export const timeOf = ({ world }: Host, { cpu }: Caller): number =>
  Math.max(world.now, cpu.state.cycles);

/** A row. `gives`: the structure that comes back, where nothing is passed. */
export function ioctl<Target, S extends Structure, Out>(
  name: string,
  on: On | readonly On[],
  [direction, number, takes, gives]: readonly [Direction, number, S, Structure?],
  run: (target: Target, argument: ValueOf<S>, caller: Caller) => Out | Errno,
): Ioctl<Target, S, Out> {
  const size = direction === "_IO" ? 0 : bytesOf(gives ?? takes);
  const targets = typeof on === "string" ? [on] : on;
  return { name, number: numberOf(direction, number, size), on: targets, takes, run };
}
