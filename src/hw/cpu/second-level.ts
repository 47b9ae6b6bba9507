/**
 * The second level of translation, from guest-physical to physical addresses: SDM Vol. 3, "The Extended Page Table
 * Mechanism (EPT)"; APM Vol. 2, "Nested Paging". With it a walk of a guest's tables has two dimensions: each entry of
 * them is found by a walk of the tables below.
 */

import type { Fault } from "./fault.ts";
import type { TableMemory, WalkStep } from "./paging.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

export interface NestedAccess {
  readonly write: boolean;
  readonly fetch: boolean;
  /** The linear address is one of user mode. */
  readonly user: boolean;
  /** An entry of the guest's own tables. */
  readonly table: boolean;
  /** Halves of the linear address that is being translated; null where there is none, as for PDPTEs. */
  readonly linear: { readonly low: number; readonly high: number } | null;
}

export interface SecondLevel {
  /** The tables' identity: translations made with others are other translations. EP4TA, or nested CR3. */
  readonly root: number;
  /** The physical address, or -1 with a `failure`. Sets accessed and dirty bits. */
  translate(address: number, access: NestedAccess): number;
  /** PDPTEs of a guest with PAE paging are read with each walk, not when CR3 is loaded. */
  readonly walksPdptes: boolean;
  /** Told of each entry read, for those who want to be shown. */
  log: ((step: WalkStep) => void) | null;
  /** What the last translation allows: RIGHT.nestedReadOnly, noExecute, and dirty where a write needs no other walk. */
  readonly rights: number;
  /** The VM exit of the last translation that failed. */
  readonly failure: Fault | null;
}

/** A guest's page tables behind the second level. */
export class GuestTables implements TableMemory {
  readonly #physical: PhysicalMemory;
  readonly #second: SecondLevel;
  readonly #access: NestedAccess;

  /** `access` is what the guest's tables are walked for. */
  constructor(physical: PhysicalMemory, second: SecondLevel, access: NestedAccess) {
    this.#physical = physical;
    this.#second = second;
    this.#access = access;
  }

  locate(address: number, write: boolean): number {
    const { linear } = this.#access;
    return this.#second.translate(address, {
      write,
      fetch: false,
      user: true,
      table: true,
      linear,
    });
  }

  read32(address: number): number {
    return this.#physical.read32(address);
  }

  write32(address: number, value: number): void {
    this.#physical.write32(address, value);
  }
}

/** So many sets of tables of the second level are told apart at once; with one more, the oldest is forgotten. */
export const MOST_TABLES = 15;

/** The numbers of the tables whose translations may be cached, as words: root (low, high) each, and the next number. */
export class KnownTables {
  readonly words = new Uint32Array(2 * (MOST_TABLES + 1) + 1);

  /** The number of a root, from 1 on; `forget` is told of one that loses its number. */
  numberOf(root: number, forget: (number: number) => void): number {
    const known = this.find(root);
    if (known !== 0) return known;
    const { words } = this;
    const number = ((words[NEXT] as number) % MOST_TABLES) + 1;
    forget(number);
    words[NEXT] = number;
    words[2 * number] = root >>> 0;
    words[2 * number + 1] = Math.floor(root / TWO_32) | USED;
    return number;
  }

  /** 0 when nothing made with these tables can be cached. */
  find(root: number): number {
    const { words } = this;
    const [low, high] = [root >>> 0, (Math.floor(root / TWO_32) | USED) >>> 0];
    for (let number = 1; number <= MOST_TABLES; number += 1)
      if (words[2 * number] === low && words[2 * number + 1] === high) return number;
    return 0;
  }
}

const TWO_32 = 2 ** 32;
const NEXT = 2 * (MOST_TABLES + 1);
const USED = 0x8000_0000;
