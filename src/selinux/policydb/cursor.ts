/** Reads little-endian numbers, names and sets from a binary policy, and refuses what is not there. Linux, security/selinux/ss/policydb.c, next_entry; ebitmap.c, ebitmap_read. */

import { InputError } from "../../sim/assert.ts";
import { EMPTY, type Ebitmap } from "./ebitmap.ts";

const NODE_BITS = 64;
/** Start and bits of a node of a set. */
const NODE_BYTES = 12;

export class Cursor {
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  /** The one line about a damaged file. */
  refuse(expected: string, offset = this.offset): never {
    // A name from the file may hold anything.
    const printable = expected.replace(/[^ -~]/g, "?");
    throw new InputError(`${this.#name}: offset ${offset}: expected ${printable}`);
  }

  /** `holds`, or refuses what was read at `offset`. */
  expect(holds: boolean, expected: string, offset = this.offset): void {
    if (!holds) this.refuse(expected, offset);
  }

  get left(): number {
    return this.#bytes.length - this.offset;
  }

  u8(what: string): number {
    if (this.left < 1) this.refuse(`${what}, not the end of the file`);
    this.offset += 1;
    return this.#bytes[this.offset - 1] as number;
  }

  u16(what: string): number {
    if (this.left < 2) this.refuse(`${what}, not the end of the file`);
    this.offset += 2;
    return this.#view.getUint16(this.offset - 2, true);
  }

  u32(what: string): number {
    if (this.left < 4) this.refuse(`${what}, not the end of the file`);
    this.offset += 4;
    return this.#view.getUint32(this.offset - 4, true);
  }

  /** From `least` to `most`. */
  within(least: number, most: number, what: string): number {
    const value = this.u32(what);
    if (value < least || value > most)
      this.refuse(`${what} from ${least} to ${most}, not ${value}`, this.offset - 4);
    return value;
  }

  /** How many entries follow; each takes at least `bytes`. */
  count(bytes: number, what: string): number {
    const count = this.u32(`the number of ${what}`);
    if (count > this.left / bytes)
      this.refuse(`a number of ${what} that the file has room for, not ${count}`, this.offset - 4);
    return count;
  }

  /** A list with its length before it. */
  list<T>(bytes: number, what: string, read: () => T): T[] {
    const count = this.count(bytes, what);
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(read());
    return items;
  }

  bytes(count: number, what: string): number[] {
    if (this.left < count) this.refuse(`${what}, not the end of the file`);
    this.offset += count;
    return [...this.#bytes.subarray(this.offset - count, this.offset)];
  }

  /** One byte is one character: names are printable ASCII in practice, and any byte is kept. */
  text(length: number, what: string): string {
    if (length === 0 || length > this.left)
      this.refuse(`${what} with a name that the file has room for, not ${length} bytes`);
    const start = this.offset;
    this.offset += length;
    const bytes = this.#bytes.subarray(start, this.offset);
    if (bytes.includes(0)) this.refuse(`${what} with a name without a byte of 0`, start);
    return latin1(bytes);
  }

  /** Bits up to `limit`, not included. */
  ebitmap(limit: number, what: string): Ebitmap {
    const start = this.offset;
    if (this.u32(what) !== NODE_BITS) this.refuse(`${what} in words of 64 bits`, start);
    const highBit = this.u32(what);
    const count = this.count(NODE_BYTES, `words of ${what}`);
    if (count === 0) {
      if (highBit !== 0) this.refuse(`${what} with words below its highest bit`, start);
      return EMPTY;
    }
    if (highBit === 0) this.refuse(`${what} without words, as it has no highest bit`, start);
    const nodes: number[] = [];
    let least = 0;
    for (let i = 0; i < count; i += 1) least = this.#node(nodes, least, highBit, what);
    if (highestOf(nodes) >= limit) this.refuse(`${what} with bits below ${limit}`, start);
    return nodes.length === 0 ? EMPTY : nodes;
  }

  /** Where the next word may start. */
  #node(nodes: number[], least: number, highBit: number, what: string): number {
    const at = this.offset;
    const start = this.u32(what);
    const ordered = start % NODE_BITS === 0 && start >= least;
    if (!ordered || start >= highBit) this.refuse(`a word of ${what} in its place`, at);
    const low = this.u32(what) | 0;
    const high = this.u32(what) | 0;
    if ((low | high) !== 0) nodes.push(start, low, high);
    return start + NODE_BITS;
  }
}

/** -1 for none. */
export function highestOf(nodes: readonly number[]): number {
  const last = nodes.length - 3;
  if (last < 0) return -1;
  const [start, low, high] = [nodes[last], nodes[last + 1], nodes[last + 2]] as number[];
  const top =
    (high as number) !== 0 ? 63 - Math.clz32(high as number) : 31 - Math.clz32(low as number);
  return (start as number) + top;
}

const TEXT_CHUNK = 4096;

function latin1(bytes: Uint8Array): string {
  if (bytes.length <= TEXT_CHUNK) return String.fromCharCode(...bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += TEXT_CHUNK)
    text += String.fromCharCode(...bytes.subarray(at, at + TEXT_CHUNK));
  return text;
}
