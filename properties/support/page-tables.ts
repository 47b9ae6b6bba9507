/** Random page tables, and the manual's rules of translation written a second time: by bits and sentences, not speed. */

import fc from "fast-check";
import type { PagingAccess, PagingContext, PagingMode } from "../../src/hw/cpu/paging.ts";

export const TABLE_PAGES = 8;
const ROOT = 0;

/** Memory of page tables, as 32-bit words. */
export class Tables {
  readonly words = new Uint32Array(TABLE_PAGES * 1024);

  locate(address: number): number {
    return address;
  }

  read32(address: number): number {
    return address + 4 <= this.words.length * 4 ? (this.words[address / 4] as number) : 0xffff_ffff;
  }

  write32(address: number, value: number): void {
    if (address + 4 <= this.words.length * 4) this.words[address / 4] = value;
  }

  read64(address: number): bigint {
    return (BigInt(this.read32(address + 4)) << 32n) | BigInt(this.read32(address));
  }
}

export interface PagingCase {
  readonly context: PagingContext;
  readonly access: PagingAccess;
  /** Entries from the root on, one for each level. */
  readonly entries: readonly bigint[];
  readonly linear: bigint;
}

const PHYSICAL_BITS = 40;

/** Where the fields of some entry begin and end. */
const EDGE_BITS = [1, 2, 5, 7, 8, 12, 13, 20, 21, 22, 29, 30, 39, 40, 51, 52, 62, 63];

/** Flag bits that leave a walk alive most of the time; now and then any bit. */
function anyEntry(): fc.Arbitrary<bigint> {
  return fc
    .record({
      table: fc.integer({ min: 1, max: TABLE_PAGES - 1 }),
      flags: fc.integer({ min: 0, max: 0xfff }),
      present: fc.integer({ min: 0, max: 9 }),
      large: fc.integer({ min: 0, max: 3 }),
      wildBit: fc.option(fc.oneof(fc.constantFrom(...EDGE_BITS), fc.nat(63)), {
        freq: 3,
        nil: null,
      }),
      noExecute: fc.boolean(),
      aligned: fc.boolean(),
    })
    .map(({ table, flags, present, large, wildBit, noExecute, aligned }) => {
      let entry = BigInt(flags & ~0x80) | (large === 0 ? 0x80n : 0n);
      entry = present === 0 ? entry & ~1n : entry | 1n;
      if (!(large === 0 && aligned)) entry |= BigInt(table) << 12n;
      if (noExecute) entry |= 1n << 63n;
      return wildBit === null ? entry : entry ^ (1n << BigInt(wildBit));
    });
}

export function anyPagingCase(): fc.Arbitrary<PagingCase> {
  return anyCaseOfTables().map((drawn) => {
    // PAE paging has its first entries in registers.
    const index = Number(field(30n, 2n)(drawn.linear));
    const entry = drawn.entries[0] as bigint;
    const pdptes = Array.from({ length: 8 }, () => 0);
    pdptes[2 * index] = Number(entry & 0xffff_ffffn);
    pdptes[2 * index + 1] = Number(entry >> 32n);
    return { ...drawn, context: { ...drawn.context, pdptes } };
  });
}

function anyCaseOfTables(): fc.Arbitrary<PagingCase> {
  return fc.record({
    context: fc.record({
      mode: fc.constantFrom<PagingMode>("32-bit", "PAE", "4-level"),
      root: fc.constant(ROOT),
      walksPdptes: fc.constant(false),
      pdptes: fc.constant([]),
      pse: fc.boolean(),
      pge: fc.boolean(),
      nxe: fc.boolean(),
      wp: fc.boolean(),
      smep: fc.boolean(),
      smap: fc.boolean(),
      physicalBits: fc.constant(PHYSICAL_BITS),
      gigabytePages: fc.boolean(),
      reservesBit8: fc.boolean(),
    }),
    access: fc
      .record({
        kind: fc.constantFrom("read", "write", "fetch"),
        user: fc.boolean(),
        ac: fc.boolean(),
      })
      .map(({ kind, user, ac }) => ({
        write: kind === "write",
        fetch: kind === "fetch",
        user,
        ac,
      })),
    entries: fc.array(anyEntry(), { minLength: 4, maxLength: 4 }),
    linear: fc.bigInt({ min: 0n, max: 2n ** 48n - 1n }),
  });
}

interface Step {
  readonly name: "PML4E" | "PDPTE" | "PDE" | "PTE";
  readonly index: (linear: bigint) => bigint;
  readonly pageBits: bigint;
}

const field =
  (from: bigint, count: bigint) =>
  (linear: bigint): bigint =>
    (linear >> from) & ((1n << count) - 1n);

const STEPS: Readonly<Record<Exclude<PagingMode, "none">, readonly Step[]>> = {
  "4-level": [
    { name: "PML4E", index: field(39n, 9n), pageBits: 39n },
    { name: "PDPTE", index: field(30n, 9n), pageBits: 30n },
    { name: "PDE", index: field(21n, 9n), pageBits: 21n },
    { name: "PTE", index: field(12n, 9n), pageBits: 12n },
  ],
  PAE: [
    { name: "PDPTE", index: field(30n, 2n), pageBits: 30n },
    { name: "PDE", index: field(21n, 9n), pageBits: 21n },
    { name: "PTE", index: field(12n, 9n), pageBits: 12n },
  ],
  "32-bit": [
    { name: "PDE", index: field(22n, 10n), pageBits: 22n },
    { name: "PTE", index: field(12n, 10n), pageBits: 12n },
  ],
};

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;

/** Puts the entries of a case where the walk of its linear address meets them. */
export function layTables({ context, entries, linear }: PagingCase): Tables {
  const tables = new Tables();
  const mode = context.mode as Exclude<PagingMode, "none">;
  const size = mode === "32-bit" ? 4 : 8;
  let table = context.root;
  STEPS[mode].forEach((step, depth) => {
    const entry = entries[depth] as bigint;
    if (mode !== "PAE" || depth > 0) {
      const at = table + Number(step.index(linear)) * size;
      tables.write32(at, Number(entry & 0xffff_ffffn));
      if (size === 8) tables.write32(at + 4, Number(entry >> 32n));
    }
    // Where the next table lies matters only if the walk goes on there.
    table = Number(BigInt.asUintN(PHYSICAL_BITS, entry) & ~0xfffn);
    if (size === 4) table = Number(entry & 0xffff_f000n);
  });
  return tables;
}

/** What the manual says of a translation: an error code, or the physical page; and the entries' A and D bits after. */
export function translateByTheBook(
  { context, access, linear, entries }: PagingCase,
  tables: Pick<Tables, "read32" | "read64">,
): string {
  const mode = context.mode as Exclude<PagingMode, "none">;
  const fault = (code: number): string => {
    const instruction = access.fetch && (context.smep || (context.nxe && mode !== "32-bit"));
    return `fault ${code | (access.write ? 2 : 0) | (access.user ? 4 : 0) | (instruction ? 16 : 0)}`;
  };
  let at = BigInt(context.root);
  const seen: bigint[] = [];
  for (const step of STEPS[mode]) {
    const size = mode === "32-bit" ? 4n : 8n;
    const address = Number(at + step.index(linear) * size);
    const inRegister = mode === "PAE" && step.name === "PDPTE";
    const inMemory = size === 8n ? tables.read64(address) : BigInt(tables.read32(address));
    const entry = inRegister ? (entries[0] as bigint) : inMemory;
    if (!bit(entry, 0)) return fault(0);
    const mapsPage = step.name === "PTE" || mapsLargePage(step, mode, entry, context);
    if (reservedBitSet(step, mode, entry, context, mapsPage)) return fault(1 | 8);
    seen.push(entry);
    if (mapsPage)
      return permitted(mode, seen, context, access) ? physical(entry, step, linear) : fault(1);
    at = mode === "32-bit" ? entry & 0xffff_f000n : BigInt.asUintN(52, entry) & ~0xfffn;
  }
  throw new Error("unreachable");
}

function mapsLargePage(
  step: Step,
  mode: PagingMode,
  entry: bigint,
  { pse }: PagingContext,
): boolean {
  if (!bit(entry, 7)) return false;
  if (step.name === "PDE") return mode !== "32-bit" || pse;
  return step.name === "PDPTE" && mode === "4-level";
}

function reservedBitSet(
  step: Step,
  mode: PagingMode,
  entry: bigint,
  { nxe, gigabytePages, reservesBit8 }: PagingContext,
  mapsPage: boolean,
): boolean {
  const anyOf = (from: number, to: number): boolean => {
    for (let n = from; n <= to; n += 1) if (bit(entry, n)) return true;
    return false;
  };
  if (mode === "32-bit") return step.name === "PDE" && mapsPage && anyOf(13, 21);
  // The load of CR3 has looked at it.
  if (mode === "PAE" && step.name === "PDPTE") return false;
  if (anyOf(PHYSICAL_BITS, 51)) return true;
  if (bit(entry, 63) && !nxe) return true;
  if (mode === "PAE" && anyOf(52, 62)) return true;
  const mayBeGlobal = mode === "PAE" || mapsPage || step.name === "PDE";
  if (reservesBit8 && !mayBeGlobal && bit(entry, 8)) return true;
  if (step.name === "PML4E") return bit(entry, 7);
  if (mapsPage && step.name === "PDPTE") return !gigabytePages || anyOf(13, 29);
  return mapsPage && step.name === "PDE" && anyOf(13, 20);
}

function permitted(
  mode: PagingMode,
  seen: readonly bigint[],
  context: PagingContext,
  access: PagingAccess,
): boolean {
  const withRights = mode === "PAE" ? seen.slice(1) : seen;
  const isUserPage = withRights.every((entry) => bit(entry, 2));
  const isWritable = withRights.every((entry) => bit(entry, 1));
  const isNoExecute =
    context.nxe && mode !== "32-bit" && withRights.some((entry) => bit(entry, 63));
  if (access.fetch) {
    if (isNoExecute) return false;
    return access.user ? isUserPage : !(isUserPage && context.smep);
  }
  if (access.user) return isUserPage && (isWritable || !access.write);
  if (isUserPage && context.smap && !access.ac) return false;
  return isWritable || !access.write || !context.wp;
}

function physical(entry: bigint, { pageBits }: Step, linear: bigint): string {
  const offsetMask = (1n << pageBits) - 1n;
  const base = BigInt.asUintN(52, entry) & ~offsetMask;
  return `page ${((base | (linear & offsetMask)) >> 12n).toString(16)}`;
}
