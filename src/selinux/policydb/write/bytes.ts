/** Little-endian bytes in the making. */

export class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** So much more room. */
  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    let size = this.#bytes.length;
    while (size < this.#length + count) size *= 2;
    const bigger = new Uint8Array(size);
    bigger.set(this.#bytes);
    this.#bytes = bigger;
    this.#view = new DataView(bigger.buffer);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(...values: readonly number[]): void {
    this.#reserve(4 * values.length);
    for (const value of values) {
      this.#view.setUint32(this.#length, value, true);
      this.#length += 4;
    }
  }

  /** Without length or end. */
  bytes(values: readonly number[] | Uint8Array): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** As many bytes as `lengthOf` says. */
  text(text: string): void {
    this.bytes(encoded(text));
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Names are bytes to the kernel: each character below 256 is one. */
const encoded = (text: string): readonly number[] =>
  Array.from(text, (character) => (character.codePointAt(0) ?? 0) & 0xff);

export const lengthOf = (text: string): number => encoded(text).length;
