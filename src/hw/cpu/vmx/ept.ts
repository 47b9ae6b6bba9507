/**
 * EPT: SDM Vol. 3, "The Extended Page Table Mechanism (EPT)". A walk of four levels from a guest-physical address, with
 * pages of 4 KiB, 2 MiB and 1 GiB, accessed and dirty flags, and page-modification logging.
 *
 * Not modelled: memory types (there are no caches), supervisor shadow stacks, #VE.
 */

import { exitFault, type Fault } from "../fault.ts";
import { RIGHT, type WalkStep } from "../paging.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import type { NestedAccess, SecondLevel } from "../second-level.ts";
import type { VmxExit } from "./exit-information.ts";
import { wordOf } from "./fields.ts";
import { REASON } from "./reasons.ts";
import type { Vmcs } from "./vmcs.ts";

const [READ, WRITE, EXECUTE] = [1, 2, 4];
/** With mode-based execute control: instructions at addresses of user mode. */
const EXECUTE_USER = 0x400;
const ALL_RIGHTS = READ | WRITE | EXECUTE;
const PAGE = 0x80;
const ACCESSED = 0x100;
const DIRTY = 0x200;
/** In the EPT pointer: accessed and dirty flags are used. */
export const EPTP_ACCESSED_DIRTY = 0x40;

const TWO_32 = 2 ** 32;
const LEVELS = [
  { name: "EPT PML4E", shift: 39, size: 2 ** 39, mayMap: false },
  { name: "EPT PDPTE", shift: 30, size: 2 ** 30, mayMap: true },
  { name: "EPT PDE", shift: 21, size: 2 ** 21, mayMap: true },
  { name: "EPT PTE", shift: 12, size: 2 ** 12, mayMap: true },
] as const;
type Level = (typeof LEVELS)[number];

const PML_ADDRESS = wordOf("PML address");
const PML_INDEX = wordOf("PML index");
const PML_ENTRIES = 512;

/** Bits of the exit qualification of an EPT violation beside those of access and rights. */
const USER_EXECUTABLE = 0x40;
const [LINEAR_VALID, NOT_TABLE] = [0x80, 0x100];

export class Ept implements SecondLevel {
  readonly root: number;
  /** PDPTEs are registers, as without EPT. */
  readonly walksPdptes = false;
  rights = 0;
  failure: Fault | null = null;
  /** Told of each entry read, for those who want to be shown. */
  log: ((step: WalkStep) => void) | null = null;
  readonly #vmcs: Vmcs;
  readonly #memory: PhysicalMemory;
  readonly #beyond: number;
  readonly #marks: boolean;
  readonly #logs: boolean;
  /** Bits that make an entry present, or that are rights: with mode-based execute control one more. */
  readonly #rights: number;

  constructor(
    vmcs: Vmcs,
    memory: PhysicalMemory,
    given: {
      readonly eptp: number;
      readonly physicalBits: number;
      readonly logs: boolean;
      readonly modeBased: boolean;
    },
  ) {
    const { eptp, physicalBits, logs, modeBased } = given;
    this.#rights = modeBased ? ALL_RIGHTS | EXECUTE_USER : ALL_RIGHTS;
    this.root = eptp - (eptp % 4096);
    this.#vmcs = vmcs;
    this.#memory = memory;
    this.#beyond = physicalBits - 32;
    this.#marks = (eptp & EPTP_ACCESSED_DIRTY) !== 0;
    this.#logs = logs;
  }

  translate(address: number, access: NestedAccess): number {
    this.failure = null;
    let table = this.root;
    let rights = this.#rights;
    const entries: { readonly at: number; readonly low: number }[] = [];
    for (const level of LEVELS) {
      const at = table + (Math.floor(address / level.size) % 512) * 8;
      const low = this.#memory.read32(at) | 0;
      const high = this.#memory.read32(at + 4) | 0;
      this.log?.({ level: level.name, address: at, low: low >>> 0, high: high >>> 0 });
      if ((low & this.#rights) === 0) return this.#violation(address, access, 0);
      const leaf = level.shift === 12 || (level.mayMap && (low & PAGE) !== 0);
      if (this.#isMisconfigured(level, low, high, leaf)) return this.#misconfiguration(address);
      rights &= low;
      entries.push({ at, low });
      table = ((low & 0xffff_f000) >>> 0) + (high & 0xf_ffff) * TWO_32;
      if (!leaf) continue;
      if ((this.#needs(access) & ~rights) !== 0) return this.#violation(address, access, rights);
      if (!this.#mark(entries, address, access)) return -1;
      const { size } = level;
      return table - (table % size) + (address % size);
    }
    throw new RangeError("the last level is a leaf");
  }

  /** With accessed and dirty flags, accesses to the guest's tables are writes. */
  #isWrite({ write, table }: NestedAccess): boolean {
    return write || (table && this.#marks);
  }

  /** The right to execute at an address of supervisor mode, or of user mode. */
  #execute({ user }: NestedAccess): number {
    return user && this.#rights !== ALL_RIGHTS ? EXECUTE_USER : EXECUTE;
  }

  #needs(access: NestedAccess): number {
    if (access.fetch && !access.table) return this.#execute(access);
    return this.#isWrite(access) ? READ | WRITE : READ;
  }

  /** SDM Vol. 3, "EPT Misconfigurations". */
  #isMisconfigured({ shift }: Level, low: number, high: number, leaf: boolean): boolean {
    if ((low & (READ | WRITE)) === WRITE) return true;
    if ((high & 0xf_ffff) >>> this.#beyond !== 0) return true;
    if (!leaf) return (low & (shift === 39 ? 0xf8 : 0x78)) !== 0;
    const type = (low >> 3) & 7;
    if (type === 2 || type === 3 || type === 7) return true;
    return shift > 12 && (low & ((1 << shift) - 1) & ~0xfff) !== 0;
  }

  /** Sets accessed flags and, of a write, the dirty flag, after it has been logged; false when the log is full. */
  #mark(
    entries: readonly { readonly at: number; readonly low: number }[],
    address: number,
    access: NestedAccess,
  ): boolean {
    const leaf = entries.at(-1) as { at: number; low: number };
    const write = this.#isWrite(access);
    if (this.#marks) {
      const dirties = write && (leaf.low & DIRTY) === 0;
      if (dirties && this.#logs && !this.#logPage(address, access)) return false;
      for (const { at, low } of entries) {
        const bits = low | ACCESSED | (at === leaf.at && write ? DIRTY : 0);
        if (bits !== low) this.#memory.write32(at, bits >>> 0);
      }
    }
    this.rights = this.#rightsOf(entries, write, this.#execute(access));
    return true;
  }

  #rightsOf(entries: readonly { readonly low: number }[], write: boolean, execute: number): number {
    let allowed = this.#rights;
    for (const { low } of entries) allowed &= low;
    const isDirty = !this.#marks || write || ((entries.at(-1)?.low ?? 0) & DIRTY) !== 0;
    return (
      ((allowed & WRITE) === 0 ? RIGHT.nestedReadOnly : 0) |
      ((allowed & execute) === 0 ? RIGHT.noExecute : 0) |
      (isDirty ? RIGHT.dirty : 0)
    );
  }

  /** SDM Vol. 3, "Page-Modification Logging". */
  #logPage(address: number, access: NestedAccess): boolean {
    const { words } = this.#vmcs;
    const index = words[PML_INDEX] as number;
    if (index >= PML_ENTRIES) {
      this.#fail({ reason: REASON.pageModificationLogFull, ...linearOf(access), resume: true });
      return false;
    }
    const at = this.#vmcs.address(PML_ADDRESS) + 8 * index;
    const page = address - (address % 4096);
    this.#memory.write32(at, page >>> 0);
    this.#memory.write32(at + 4, Math.floor(page / TWO_32));
    words[PML_INDEX] = (index - 1) & 0xffff;
    return true;
  }

  #violation(address: number, access: NestedAccess, rights: number): number {
    const write = this.#isWrite(access);
    const isFetch = access.fetch && !access.table;
    const read = !isFetch && (!access.write || access.table);
    const qualification =
      (read ? READ : 0) |
      (write ? WRITE : 0) |
      (isFetch ? EXECUTE : 0) |
      ((rights & ALL_RIGHTS) << 3) |
      ((rights & EXECUTE_USER) === 0 ? 0 : USER_EXECUTABLE) |
      (access.linear === null ? 0 : LINEAR_VALID | (access.table ? 0 : NOT_TABLE));
    return this.#fail({
      reason: REASON.eptViolation,
      qualification: BigInt(qualification),
      physical: address,
      ...linearOf(access),
      resume: true,
    });
  }

  #misconfiguration(address: number): number {
    return this.#fail({ reason: REASON.eptMisconfiguration, physical: address, resume: true });
  }

  #fail(exit: VmxExit): number {
    this.failure = exitFault(exit);
    return -1;
  }
}

const linearOf = ({ linear }: NestedAccess): { linear?: bigint } =>
  linear === null ? {} : { linear: (BigInt(linear.high >>> 0) << 32n) | BigInt(linear.low >>> 0) };
