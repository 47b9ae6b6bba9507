/**
 * Memory as an instruction of a guest sees it when KVM carries it out: through the guest's own tables to memory slots,
 * and beyond them to devices that are user space's. SDM Vol. 3, "Paging"; Linux, Documentation/virt/kvm/api.rst,
 * "KVM_RUN" (KVM_EXIT_MMIO).
 *
 * Not modelled: data breakpoints.
 */

import { isCanonical } from "../hw/cpu/addressing.ts";
import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import { type Fault, exitFault, GP0, VECTORS } from "../hw/cpu/fault.ts";
import { type Accessor, isFault, type SystemMemory } from "../hw/cpu/mmu.ts";
import { checksAlignment, isLongMode } from "../hw/cpu/mode.ts";
import { isReservedPdpte, type PagingAccess, UNREACHABLE, walk } from "../hw/cpu/paging.ts";
import type { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { GuestTables, type NestedAccess, type SecondLevel } from "../hw/cpu/second-level.ts";
import { BIT, type CpuState, OFFSET } from "../hw/cpu/state.ts";
import { pagingOf } from "../hw/cpu/translation-context.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { Vcpu } from "./vcpu.ts";

/** Why an instruction cannot be carried out now, in the place of a fault. */
export const STOPPED = {
  /** User space has to be asked first. */
  waits: exitFault({ reason: 0 }),
  /** Its code, or the guest's tables, lie in no memory. */
  unreachable: exitFault({ reason: 1 }),
} as const;

/** What lies behind guest-physical addresses. */
export interface GuestPhysical {
  /** The physical address of memory, or null where there is none, or none to be written. */
  place(address: number, write: boolean): number | null;
  /** A device: the value, or null when it is not known yet. */
  read(address: number, size: number): bigint | null;
  write(address: number, size: number, value: bigint): void;
  /** User space has been asked: nothing more may happen. */
  readonly isWaiting: boolean;
}

/** A vCPU's memory without its devices. */
function memoryOf({ registers, vm }: Vcpu): GuestMemory {
  const { kvm } = vm;
  const place = (address: number, write: boolean): number | null => vm.place(address, write);
  const guest = { place, read: () => null, write: () => undefined, isWaiting: false };
  return new GuestMemory(registers, kvm.profile, kvm.host.physical, guest);
}

/** The PDPTEs that CR3 names become the vCPU's, if PAE paging uses them and they can be. */
export function loadPdptes(vcpu: Vcpu): void {
  const { registers } = vcpu;
  const isPae = registers.has("CR0", BIT.CR0.PG) && registers.has("CR4", BIT.CR4.PAE);
  if (isPae && !isLongMode(registers)) memoryOf(vcpu).loadPdptes(registers.control("CR3"));
}

/** Where the guest's tables say that a linear address is, whoever may use it; null where nothing is mapped. */
export const guestPhysical = (vcpu: Vcpu, linear: bigint): number | null =>
  memoryOf(vcpu).find(linear);

/** A part of an access that lies in one page. */
interface Part {
  /** Physical, or guest-physical for a device. */
  readonly at: number;
  readonly isDevice: boolean;
  readonly from: number;
  readonly size: number;
}

const MAX_FETCH = 15;
const PDPTES = 4;
const NOT_NESTED = { write: false, fetch: false, user: true, table: true, linear: null } as const;

export class GuestMemory implements SystemMemory, SecondLevel {
  readonly root = 0;
  readonly rights = 0;
  readonly failure = STOPPED.unreachable;
  readonly walksPdptes: boolean;
  readonly log = null;
  /** An instruction has changed what translations depend on. */
  isStale = false;
  readonly #state: CpuState;
  readonly #profile: CpuProfile;
  readonly #physical: PhysicalMemory;
  readonly #guest: GuestPhysical;

  constructor(
    state: CpuState,
    profile: CpuProfile,
    physical: PhysicalMemory,
    guest: GuestPhysical,
  ) {
    this.#state = state;
    this.#profile = profile;
    this.#physical = physical;
    this.#guest = guest;
    // With EPT they are registers, with nested paging they are not.
    this.walksPdptes = profile.vendor === "amd";
  }

  /** Of the guest's tables. */
  translate(address: number, { write }: NestedAccess): number {
    return this.#guest.place(address, write) ?? -1;
  }

  read(
    linear: bigint,
    size: number,
    access: "read" | "modify",
    as: Accessor = "cpl",
  ): bigint | Fault {
    const parts = this.#parts(linear, size, access === "modify", as);
    if (isFault(parts)) return parts;
    let value = 0n;
    for (const part of parts) {
      const found = part.isDevice
        ? this.#guest.read(part.at, part.size)
        : this.#physical.read(part.at, part.size);
      if (found === null) return STOPPED.waits;
      value |= found << BigInt(8 * part.from);
    }
    return value;
  }

  write(linear: bigint, size: number, value: bigint, as: Accessor = "cpl"): Fault | null {
    const parts = this.#parts(linear, size, true, as);
    if (isFault(parts)) return parts;
    for (const part of parts) {
      const here = BigInt.asUintN(8 * part.size, value >> BigInt(8 * part.from));
      if (part.isDevice) this.#guest.write(part.at, part.size, here);
      else this.#physical.write(part.at, part.size, here);
    }
    return null;
  }

  translateFetch(linear: bigint): number | Fault {
    const user = this.#state.cpl === 3;
    const found = this.#translate(linear, { write: false, fetch: true, user, ac: false });
    if (typeof found !== "number") return found;
    return this.#guest.place(found, false) ?? STOPPED.unreachable;
  }

  codeBytes(physical: number): Uint8Array {
    return this.#physical.code(physical, Math.min(MAX_FETCH, PAGE_SIZE - (physical % PAGE_SIZE)));
  }

  contextChanged(): void {}

  invalidatePage(): void {
    this.isStale = true;
  }

  invalidatePageOf(): void {
    this.isStale = true;
  }

  invalidatePcid(): void {
    this.isStale = true;
  }

  invalidateAll(): void {
    this.isStale = true;
  }

  loadPdptes(cr3: bigint): Fault | null {
    if (this.walksPdptes) return null;
    const at = this.translate(Number(cr3 & 0xffff_ffe0n), NOT_NESTED);
    if (at < 0) return GP0;
    const words = Array.from({ length: 2 * PDPTES }, (_, i) => this.#physical.read32(at + 4 * i));
    for (let i = 0; i < words.length; i += 2)
      if (isReservedPdpte(this.#profile.physicalBits, words[i] as number, words[i + 1] as number))
        return GP0;
    for (const [i, word] of words.entries())
      this.#state.view.setUint32(OFFSET.pdptes + 4 * i, word, true);
    return null;
  }

  #parts(linear: bigint, size: number, write: boolean, as: Accessor): readonly Part[] | Fault {
    if (this.#guest.isWaiting) return STOPPED.waits;
    const state = this.#state;
    const low = Number(linear & 0xfffn);
    if (size > 1 && as === "cpl" && (low & (size - 1)) !== 0 && checksAlignment(state))
      return { vector: VECTORS["#AC"], errorCode: 0, address: null };
    const user = as === "user" || (as === "cpl" && state.cpl === 3);
    const ac = as === "cpl" && state.hasFlag(BIT.RFLAGS.AC);
    const inFirst = Math.min(size, PAGE_SIZE - low);
    const bits = isLongMode(state) ? 64 : 32;
    const parts: Part[] = [];
    for (const [from, count] of [
      [0, inFirst],
      [inFirst, size - inFirst],
    ] as const) {
      if (count === 0) continue;
      const at = BigInt.asUintN(bits, linear + BigInt(from));
      const found = this.#translate(at, { write, fetch: false, user, ac });
      if (typeof found !== "number") return found;
      const place = this.#guest.place(found, write);
      // A read with the right to write is a device's too where memory cannot be written.
      parts.push({ at: place ?? found, isDevice: place === null, from, size: count });
    }
    return parts;
  }

  /** The guest-physical address, without any check of rights. */
  find(linear: bigint): number | null {
    const isLong = isLongMode(this.#state);
    if (isLong && !isCanonical(linear)) return null;
    // With AC set, a supervisor reads user pages whatever CR4.SMAP says.
    const access = { write: false, fetch: false, user: false, ac: true };
    const found = this.#translate(BigInt.asUintN(isLong ? 64 : 32, linear), access);
    return typeof found === "number" ? found : null;
  }

  /** The guest-physical address. */
  #translate(linear: bigint, access: PagingAccess): number | Fault {
    const context = pagingOf(this.#state, this.#profile, this.walksPdptes);
    const low = Number(BigInt.asUintN(32, linear));
    const high = Number(linear >> 32n);
    if (context.mode === "none") return low;
    const { write, fetch, user } = access;
    const nested = { write, fetch, user, table: false, linear: { low: low | 0, high } };
    const tables = new GuestTables(this.#physical, this, nested);
    const found = walk(context, access, tables, low | 0, high);
    if (found === UNREACHABLE) return STOPPED.unreachable;
    if (typeof found === "number")
      return { vector: VECTORS["#PF"], errorCode: found, address: linear };
    return found.frame + (low % PAGE_SIZE);
  }
}
