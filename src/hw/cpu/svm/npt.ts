/**
 * Nested paging: guest-physical addresses are translated by tables of the host's own format, as accesses of a user.
 * APM Vol. 2, "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering".
 */

import { exitFault, type Fault } from "../fault.ts";
import { type PagingAccess, type PagingContext, RIGHT, walk, type WalkStep } from "../paging.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import type { NestedAccess, SecondLevel } from "../second-level.ts";
import { EXIT_CODE } from "./intercepts.ts";
import type { SvmExit } from "./guest.ts";

/** In EXITINFO1 beside the page-fault error code: the final translation, or an entry of the guest's tables. */
const FINAL = 1n << 32n;
const TABLE = 1n << 33n;
const TWO_32 = 2 ** 32;
const NESTED = RIGHT.noExecute | RIGHT.dirty;

export class NestedPageTables implements SecondLevel {
  readonly root: number;
  readonly walksPdptes = true;
  rights = 0;
  failure: Fault | null = null;
  log: ((step: WalkStep) => void) | null = null;
  readonly #physical: PhysicalMemory;
  readonly #context: PagingContext;

  /** `context` is the host's, with the nested CR3 as its root. */
  constructor(physical: PhysicalMemory, context: PagingContext) {
    this.#physical = physical;
    this.#context = context;
    this.root = context.root;
  }

  readonly #tell = ({ level, ...entry }: WalkStep): void =>
    this.log?.({ level: `nested ${level}`, ...entry });

  translate(address: number, access: NestedAccess): number {
    const { fetch, table } = access;
    // Entries of a guest's tables are written as well as read, whatever they are wanted for.
    const as: PagingAccess = { write: access.write || table, fetch, user: true, ac: false };
    const [low, high] = [address | 0, Math.floor(address / TWO_32)];
    const found = walk(this.#context, as, this.#physical, low, high, this.#tell);
    if (typeof found === "number") {
      const info1 = BigInt(found) | (table ? TABLE : FINAL);
      this.failure = exitFault(nestedPageFault(info1, BigInt(address)));
      return -1;
    }
    const readOnly = (found.rights & RIGHT.write) === 0 ? RIGHT.nestedReadOnly : 0;
    this.rights = (found.rights & NESTED) | readOnly;
    return found.frame + (address % 4096);
  }
}

const nestedPageFault = (info1: bigint, info2: bigint): SvmExit => ({
  reason: EXIT_CODE.NPF,
  info1,
  info2,
  nextRip: 0n,
});
