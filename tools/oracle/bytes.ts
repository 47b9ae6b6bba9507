/** Growing byte strings and reading them back, for files of vectors. */

export class VectorFileError extends Error {
  override readonly name = "VectorFileError";
}

export class Writer {
  #bytes = new Uint8Array(1024);
  #end = 0;

  #room(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + count));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#end++] = value;
  }

  number(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  u32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    // A Buffer's slice would be a Buffer, and share its memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new VectorFileError(`the ${this.#what} ends too early`);
    return value;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (!Number.isSafeInteger(value)) {
        throw new VectorFileError(`a number in the ${this.#what} is too large`);
      }
      if (byte < 0x80) return value;
    }
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) value |= this.byte() << shift;
    return value >>> 0;
  }

  bytes(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) {
      throw new VectorFileError(`the ${this.#what} ends too early`);
    }
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }
}
