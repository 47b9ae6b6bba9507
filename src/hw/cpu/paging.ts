/**
 * The page walk: SDM Vol. 3, "Paging". 32-bit paging with 4 MiB pages, PAE, and 4-level paging, one function over a
 * table of levels. Entries are handled as two halves of 32 bits, since a walk is too frequent for BigInt.
 *
 * Not modelled: PSE-36 (physical addresses of 4 MiB pages stay below 4 GiB), protection keys, 5-level paging.
 */

export type PagingMode = "none" | "32-bit" | "PAE" | "4-level";

/** What a walk depends on beside the tables. */
export interface PagingContext {
  readonly mode: PagingMode;
  /** Physical address of the first table; of no use with PAE paging. */
  readonly root: number;
  /** With PAE paging the PDPTEs are read from `root` on, as other entries are (APM Vol. 2, "Legacy PAE Mode"). */
  readonly walksPdptes: boolean;
  /** The PDPTEs of PAE paging, as they were when CR3 was loaded: low and high halves (SDM Vol. 3, "PDPTE Registers"). */
  readonly pdptes: readonly number[];
  /** CR4.PSE: 4 MiB pages with 32-bit paging. */
  readonly pse: boolean;
  /** CR4.PGE: the G bit of entries has its meaning. */
  readonly pge: boolean;
  /** IA32_EFER.NXE. */
  readonly nxe: boolean;
  /** CR0.WP: supervisor writes obey R/W. */
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** MAXPHYADDR, from 32 to 52. */
  readonly physicalBits: number;
  /** Page1GB: without it, PS is reserved in a PDPTE of 4-level paging. */
  readonly gigabytePages: boolean;
  /** On AMD's processors bit 8 is reserved in PML4Es, and in PDPTEs that map no page (APM Vol. 2, "4-Kbyte Page Translation"). */
  readonly reservesBit8: boolean;
}

/** Who accesses, and what for. */
export interface PagingAccess {
  readonly write: boolean;
  readonly fetch: boolean;
  /** CPL is 3, and the access is no implicit supervisor access. */
  readonly user: boolean;
  /** RFLAGS.AC lets an explicit supervisor access reach user pages under SMAP. */
  readonly ac: boolean;
}

/** Page-fault error code (SDM Vol. 3, "Page-Fault Exceptions"). */
export const PF = { P: 1, W: 2, U: 4, RSVD: 8, I: 16 } as const;

/** Rights of a translation, as the TLB keeps them. */
export const RIGHT = {
  user: 1,
  write: 2,
  noExecute: 4,
  dirty: 8,
  global: 16,
  /** Part of a page larger than 4 KiB. */
  large: 32,
  /** The second level of translation does not allow writes, whoever writes. */
  nestedReadOnly: 64,
} as const;

export interface Translation {
  /** Physical address of the 4 KiB frame. */
  readonly frame: number;
  /** Bits of RIGHT. */
  readonly rights: number;
}

/** Where page tables lie. Addresses beyond memory read as ones, as on a bus that nobody drives. */
export interface TableMemory {
  /** The physical address of an entry, which a guest's tables name by a guest-physical one; -1 when it cannot be reached. */
  locate(address: number, write: boolean): number;
  read32(address: number): number;
  write32(address: number, value: number): void;
}

/** One entry that a walk has read, for those who want to be shown. */
export interface WalkStep {
  readonly level: string;
  readonly address: number;
  readonly low: number;
  readonly high: number;
}

/** What a walk gives when an entry cannot be reached: `locate` knows why. */
export const UNREACHABLE = -1;

interface Level {
  readonly name: string;
  /** Lowest bit of the linear address that indexes the table. */
  readonly shift: number;
  readonly indexBits: number;
  /** PS has its meaning: the entry can map a page. */
  readonly large: boolean;
}

const FOUR_LEVEL: readonly Level[] = [
  { name: "PML4E", shift: 39, indexBits: 9, large: false },
  { name: "PDPTE", shift: 30, indexBits: 9, large: true },
  { name: "PDE", shift: 21, indexBits: 9, large: true },
  { name: "PTE", shift: 12, indexBits: 9, large: false },
];
const PAE: readonly Level[] = [
  { name: "PDE", shift: 21, indexBits: 9, large: true },
  { name: "PTE", shift: 12, indexBits: 9, large: false },
];
const THIRTY_TWO_BIT: readonly Level[] = [
  { name: "PDE", shift: 22, indexBits: 10, large: true },
  { name: "PTE", shift: 12, indexBits: 10, large: false },
];

const PRESENT = 1;
const WRITE = 2;
const USER = 4;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const PAGE_SIZE = 0x80;
const GLOBAL = 0x100;
const NO_EXECUTE = 0x8000_0000;

const TWO_32 = 2 ** 32;

function levelsOf(mode: PagingMode): readonly Level[] {
  if (mode === "4-level") return FOUR_LEVEL;
  return mode === "PAE" ? PAE : THIRTY_TWO_BIT;
}

function bitsOf(low: number, high: number, shift: number, count: number): number {
  const mask = (1 << count) - 1;
  if (shift >= 32) return (high >>> (shift - 32)) & mask;
  const joined = shift + count > 32 ? (low >>> shift) | (high << (32 - shift)) : low >>> shift;
  return joined & mask;
}

/**
 * Walks the tables for a linear address given by halves. Returns the translation, after setting the accessed and dirty
 * bits, or the page-fault error code, or UNREACHABLE. `log` is told of each entry read.
 */
export function walk(
  context: PagingContext,
  access: PagingAccess,
  memory: TableMemory,
  low: number,
  high: number,
  log?: (step: WalkStep) => void,
): Translation | number {
  const levels = levelsOf(context.mode);
  const wide = context.mode !== "32-bit";
  let table = context.root;
  let rights: number = RIGHT.user | RIGHT.write;
  if (context.mode === "PAE") {
    const found = context.walksPdptes
      ? walkPdpte(context, access, memory, low)
      : pdpteOf(context, low);
    if (typeof found === "number") return found;
    const [pdpteLow, pdpteHigh] = found;
    if ((pdpteLow & PRESENT) === 0) return errorCode(context, access, 0);
    table = frameOf(pdpteLow, pdpteHigh);
  }
  for (const [depth, level] of levels.entries()) {
    const named = table + bitsOf(low, high, level.shift, level.indexBits) * (wide ? 8 : 4);
    const address = memory.locate(named, false);
    if (address < 0) return UNREACHABLE;
    const entryLow = memory.read32(address);
    const entryHigh = wide ? memory.read32(address + 4) : 0;
    log?.({ level: level.name, address, low: entryLow >>> 0, high: entryHigh >>> 0 });
    if ((entryLow & PRESENT) === 0) return errorCode(context, access, 0);
    const leaf = isLeaf(context, level, entryLow, depth === levels.length - 1);
    if (hasReservedBit(context, level, entryLow, entryHigh, leaf)) {
      return errorCode(context, access, PF.P | PF.RSVD);
    }
    rights = combine(rights, entryLow, entryHigh, context.nxe);
    if (leaf)
      return finish(context, access, memory, {
        named,
        entryLow,
        entryHigh,
        level,
        rights,
        low,
        high,
      });
    if (!setBits(memory, named, entryLow, ACCESSED)) return UNREACHABLE;
    table = frameOf(entryLow, entryHigh);
  }
  throw new RangeError("the last level is a leaf");
}

const frameOf = (low: number, high: number): number =>
  ((low & 0xffff_f000) >>> 0) + (high & 0xf_ffff) * TWO_32;

function isLeaf({ mode, pse }: PagingContext, level: Level, low: number, last: boolean): boolean {
  if (last) return true;
  return level.large && (low & PAGE_SIZE) !== 0 && (mode !== "32-bit" || pse);
}

function combine(rights: number, low: number, high: number, nxe: boolean): number {
  let combined = rights;
  if ((low & USER) === 0) combined &= ~RIGHT.user;
  if ((low & WRITE) === 0) combined &= ~RIGHT.write;
  if (nxe && (high & NO_EXECUTE) !== 0) combined |= RIGHT.noExecute;
  return combined;
}

/** SDM Vol. 3, "Page-Fault Exceptions": which bits are reserved, by level and mode. */
function hasReservedBit(
  context: PagingContext,
  level: Level,
  low: number,
  high: number,
  leaf: boolean,
): boolean {
  if (context.mode === "32-bit") return leaf && level.large && (low & 0x003f_e000) !== 0;
  const beyond = (high & 0xf_ffff) >>> (context.physicalBits - 32);
  if (beyond !== 0) return true;
  if (!context.nxe && (high & NO_EXECUTE) !== 0) return true;
  if (context.mode === "PAE" && (high & 0x7ff0_0000) !== 0) return true;
  const isUpper = level.name === "PML4E" || (level.name === "PDPTE" && !leaf);
  if (isUpper && context.reservesBit8 && (low & GLOBAL) !== 0) return true;
  if (level.name === "PML4E" || (level.name === "PDPTE" && !context.gigabytePages))
    return (low & PAGE_SIZE) !== 0;
  if (leaf && level.shift > 12) return hasLowAddressBits(low, level.shift);
  return false;
}

/** The PDPTE that an address uses. It has no rights and no accessed bit. */
function pdpteOf({ pdptes }: PagingContext, low: number): readonly [number, number] {
  const index = low >>> 30;
  return [pdptes[2 * index] ?? 0, pdptes[2 * index + 1] ?? 0];
}

function walkPdpte(
  context: PagingContext,
  access: PagingAccess,
  memory: TableMemory,
  linear: number,
): readonly [number, number] | number {
  const at = memory.locate(context.root + 8 * (linear >>> 30), false);
  if (at < 0) return UNREACHABLE;
  const [low, high] = [memory.read32(at), memory.read32(at + 4)];
  const isReserved = isReservedPdpte(context.physicalBits, low, high);
  return isReserved ? errorCode(context, access, PF.P | PF.RSVD) : [low, high];
}

/** What makes the load of a PDPTE fault: bits 2 to 1, 8 to 5 and those beyond MAXPHYADDR, when it is present. */
export function isReservedPdpte(physicalBits: number, low: number, high: number): boolean {
  if ((low & PRESENT) === 0) return false;
  return (low & 0x1e6) !== 0 || high >>> (physicalBits - 32) !== 0;
}

/** Bits 13 and up to the page's size, beside PAT at 12, are reserved in an entry that maps a large page. */
const hasLowAddressBits = (low: number, shift: number): boolean =>
  (low & ((1 << shift) - 1) & ~0x1fff) !== 0;

interface Leaf {
  readonly named: number;
  readonly entryLow: number;
  readonly entryHigh: number;
  readonly level: Level;
  readonly rights: number;
  readonly low: number;
  readonly high: number;
}

function finish(
  context: PagingContext,
  access: PagingAccess,
  memory: TableMemory,
  leaf: Leaf,
): Translation | number {
  const { named, entryLow, entryHigh, level, low, high } = leaf;
  if (!isAllowed(context, access, leaf.rights)) return errorCode(context, access, PF.P);
  if (!setBits(memory, named, entryLow, ACCESSED | (access.write ? DIRTY : 0))) return UNREACHABLE;
  let rights = leaf.rights;
  if (access.write || (entryLow & DIRTY) !== 0) rights |= RIGHT.dirty;
  if (context.pge && (entryLow & GLOBAL) !== 0) rights |= RIGHT.global;
  const base = frameOf(entryLow, entryHigh);
  if (level.shift === 12) return { frame: base, rights };
  const page = 1 << level.shift;
  const inside = bitsOf(low, high, 12, level.shift - 12) * 4096;
  return { frame: base - (base % page) + inside, rights: rights | RIGHT.large };
}

/** False when the entry cannot be written. */
function setBits(memory: TableMemory, named: number, entry: number, bits: number): boolean {
  if ((entry & bits) === bits) return true;
  const address = memory.locate(named, true);
  if (address >= 0) memory.write32(address, (entry | bits) >>> 0);
  return address >= 0;
}

/** SDM Vol. 3, "Determination of Access Rights". */
export function isAllowed(context: PagingContext, access: PagingAccess, rights: number): boolean {
  const userPage = (rights & RIGHT.user) !== 0;
  if (access.write && (rights & RIGHT.nestedReadOnly) !== 0) return false;
  if (access.fetch && (rights & RIGHT.noExecute) !== 0) return false;
  if (access.user) return userPage && (!access.write || (rights & RIGHT.write) !== 0);
  if (userPage && access.fetch && context.smep) return false;
  if (userPage && !access.fetch && context.smap && !access.ac) return false;
  return !access.write || (rights & RIGHT.write) !== 0 || !context.wp;
}

function errorCode(context: PagingContext, access: PagingAccess, code: number): number {
  const saysFetch = access.fetch && ((context.nxe && context.mode !== "32-bit") || context.smep);
  return code | (access.write ? PF.W : 0) | (access.user ? PF.U : 0) | (saysFetch ? PF.I : 0);
}
