/** The oracle's window as the model's memory: the same pages with the same rights, and nothing around them. */

import { type Fault, VECTORS } from "../../src/hw/cpu/fault.ts";
import { type DirectMemory, Untranslated } from "../../src/hw/cpu/mmu.ts";
import {
  initialMemory,
  type MemoryRange,
  type NativeCase,
  WINDOW,
  type WindowPart,
} from "./records.ts";

const PRESENT = 1;
const WRITE = 2;
const USER = 4;
const FETCH = 16;
const PAGE = 4096;
const PROGRAM_END = 0x7fff_ffff_f000n;

/** Its bytes are made when they are first asked for: most cases never touch most parts. */
class Part {
  readonly address: number;
  readonly size: number;
  readonly writable: boolean;
  readonly executable: boolean;
  readonly #initial: () => Uint8Array;
  #bytes: Uint8Array | null = null;

  constructor(input: NativeCase, part: WindowPart) {
    this.address = part.address;
    this.size = part.bytes;
    this.writable = part === WINDOW.data || part === WINDOW.stack;
    this.executable = part === WINDOW.code;
    this.#initial = () => initialMemory(input, part);
  }

  get bytes(): Uint8Array {
    this.#bytes ??= this.#initial();
    return this.#bytes;
  }

  /** Before and after, or null where nothing can have changed. */
  changed(): readonly [Uint8Array, Uint8Array] | null {
    return this.#bytes === null || !this.writable ? null : [this.#initial(), this.#bytes];
  }
}

export class WindowMemory extends Untranslated implements DirectMemory {
  onForget: ((linear: bigint | null) => void) | null = null;
  onForgetFetch: (() => void) | null = null;
  onForgetSide: ((side: "host" | "guest") => void) | null = null;
  readonly #parts: readonly Part[];

  constructor(input: NativeCase) {
    super();
    this.#parts = [WINDOW.data, WINDOW.readOnly, WINDOW.stack, WINDOW.code].map(
      (part) => new Part(input, part),
    );
  }

  read(linear: bigint, size: number, access: "read" | "modify"): bigint | Fault {
    const places = this.#places(linear, size, access === "modify" ? WRITE : 0);
    if (!Array.isArray(places)) return places;
    return places.reduceRight(
      (value, { part, at }) => (value << 8n) | BigInt(part.bytes[at] as number),
      0n,
    );
  }

  write(linear: bigint, size: number, value: bigint): Fault | null {
    const places = this.#places(linear, size, WRITE);
    if (!Array.isArray(places)) return places;
    places.forEach(({ part, at }, i) => {
      part.bytes[at] = Number((value >> BigInt(8 * i)) & 0xffn);
    });
    return null;
  }

  /** Addresses of the window are its physical addresses too. */
  translateFetch(linear: bigint): number | Fault {
    const places = this.#places(linear, 1, FETCH);
    return Array.isArray(places) ? Number(linear) : places;
  }

  codeBytes(physical: number): Uint8Array {
    const part = this.#partAt(physical) as Part;
    const at = physical - part.address;
    return part.bytes.subarray(at, Math.min(at + 15, at - (at % PAGE) + PAGE));
  }

  page(): null {
    return null;
  }

  watchCode(): void {
    // Code cannot be written here.
  }

  /** Maximal runs of bytes that have changed, by address, as the oracle reports them. */
  changes(): readonly MemoryRange[] {
    const ranges: MemoryRange[] = [];
    for (const part of this.#parts) {
      const changed = part.changed();
      if (changed === null) continue;
      const { address } = part;
      const [before, bytes] = changed;
      let from = 0;
      for (let at = 0; at <= bytes.length; at += 1) {
        if (at < bytes.length && bytes[at] !== before[at]) continue;
        if (at > from) ranges.push({ address: address + from, bytes: bytes.slice(from, at) });
        from = at + 1;
      }
    }
    return ranges;
  }

  #partAt(address: number): Part | undefined {
    return this.#parts.find(
      (part) => address >= part.address && address < part.address + part.size,
    );
  }

  /** Where the bytes lie, or the fault at the first that cannot be reached. */
  #places(linear: bigint, size: number, kind: number): { part: Part; at: number }[] | Fault {
    const places: { part: Part; at: number }[] = [];
    for (let i = 0n; i < BigInt(size); i += 1n) {
      const address = BigInt.asUintN(64, linear + i);
      const part = this.#partAt(Number(address));
      const allowed = kind === WRITE ? part?.writable : kind === FETCH ? part?.executable : true;
      if (part === undefined || allowed !== true) {
        // Of addresses that no program can have the host's kernel says that all are present.
        const isPresent = part !== undefined || address >= PROGRAM_END;
        const errorCode = kind | USER | (isPresent ? PRESENT : 0);
        return { vector: VECTORS["#PF"], errorCode, address };
      }
      places.push({ part, at: Number(address) - part.address });
    }
    return places;
  }
}
