/** What all tables share: ACPI Specification, "System Description Table Header", "Generic Address Structure". */

import { assert } from "../../../sim/assert.ts";

const HEADER_SIZE = 36;
const OEM = "KVMSIM";

/** Bytes that are written field by field; numbers are little-endian. */
export class TableWriter {
  readonly #bytes: number[] = [];

  get size(): number {
    return this.#bytes.length;
  }

  u8(...values: readonly number[]): this {
    this.#bytes.push(...values.map((value) => value & 0xff));
    return this;
  }

  u16(...values: readonly number[]): this {
    for (const value of values) this.u8(value, value >> 8);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) this.u8(value, value >>> 8, value >>> 16, value >>> 24);
    return this;
  }

  u64(...values: readonly number[]): this {
    for (const value of values) this.u32(value % 2 ** 32, Math.floor(value / 2 ** 32));
    return this;
  }

  /** Characters, and zeros up to `size`. */
  text(value: string, size = value.length): this {
    assert(value.length <= size, `"${value}" has at most ${size} characters`);
    for (let i = 0; i < size; i += 1) this.u8(i < value.length ? value.charCodeAt(i) : 0);
    return this;
  }

  zeros(count: number): this {
    return this.u8(...Array.from({ length: count }, () => 0));
  }

  /** A register at a port; none for null. */
  address(port: number | null, bits = 0): this {
    if (port === null) return this.zeros(12);
    const accessSize = { 8: 1, 16: 2, 32: 3 }[bits] ?? 0;
    return this.u8(1, bits, 0, accessSize).u64(port);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** A whole table: header, body, checksum. */
export function table(
  signature: string,
  revision: number,
  write: (body: TableWriter) => void,
): Uint8Array {
  const body = new TableWriter();
  write(body);
  const bytes = new TableWriter()
    .text(signature, 4)
    .u32(HEADER_SIZE + body.size)
    .u8(revision, 0)
    .text(OEM, 6)
    .text(`KVMSIM${signature.slice(0, 2)}`, 8)
    .u32(1)
    .text("KSIM", 4)
    .u32(1)
    .u8(...body.bytes())
    .bytes();
  bytes[9] = checksum(bytes);
  return bytes;
}

/** What makes the sum of all bytes 0. */
export function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
