/**
 * MurmurHash3_x86_128 (Austin Appleby, public domain algorithm; constants and finalisation as published)
 * fed word by word, with its intermediate state as data, so that a digest can roll through a run and lie in a
 * snapshot. It tells runs apart and finds damage; it is no defence against somebody who wants a collision.
 */

/** Lanes h1 to h4, pending words, count of pending words, bytes taken so far. */
export type HashState = readonly number[];

const STATE_WORDS = 11;
const C1 = 0x239b961b;
const C2 = 0xab0e9789 | 0;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93 | 0;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);

function finalMix(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

export class Hasher {
  #h1: number;
  #h2: number;
  #h3: number;
  #h4: number;
  #w0 = 0;
  #w1 = 0;
  #w2 = 0;
  #w3 = 0;
  /** Four only when the fourth word came incomplete: the algorithm treats such an end unlike a whole block. */
  #pending = 0;
  #length = 0;

  constructor(seed = 0) {
    this.#h1 = this.#h2 = this.#h3 = this.#h4 = seed | 0;
  }

  /** One 32-bit word. */
  u32(word: number): void {
    this.#length += 4;
    switch (this.#pending) {
      case 0:
        this.#w0 = word;
        this.#pending = 1;
        break;
      case 1:
        this.#w1 = word;
        this.#pending = 2;
        break;
      case 2:
        this.#w2 = word;
        this.#pending = 3;
        break;
      case 3:
        this.#pending = 0;
        this.#block(this.#w0, this.#w1, this.#w2, word);
        break;
      default:
        this.#block(this.#w0, this.#w1, this.#w2, this.#w3);
        this.#w0 = word;
        this.#pending = 1;
    }
  }

  /** Any number, by its IEEE 754 bits; all NaNs count as one. */
  f64(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      this.u32(1);
      this.u32(value);
      return;
    }
    float[0] = value;
    this.u32(2);
    // The bits of a NaN are the engine's choice.
    this.u32(value !== value ? 0 : (floatWords[0] as number));
    this.u32(value !== value ? 0x7ff80000 : (floatWords[1] as number));
  }

  /** Length and UTF-16 code units. */
  text(text: string): void {
    this.u32(text.length);
    let i = 0;
    for (; i + 1 < text.length; i += 2)
      this.u32(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    if (i < text.length) this.u32(text.charCodeAt(i));
  }

  /** Bytes, little endian, the last word padded with zeros; only their true count enters the length. */
  bytes(bytes: Uint8Array): void {
    const whole = bytes.length & ~3;
    let i = 0;
    for (; i < whole; i += 4) {
      this.u32(
        (bytes[i] as number) |
          ((bytes[i + 1] as number) << 8) |
          ((bytes[i + 2] as number) << 16) |
          ((bytes[i + 3] as number) << 24),
      );
    }
    if (i < bytes.length) {
      let word = 0;
      for (let k = 0; i + k < bytes.length; k += 1) word |= (bytes[i + k] as number) << (8 * k);
      if (this.#pending === 3) {
        this.#w3 = word;
        this.#pending = 4;
        this.#length += 4;
      } else {
        this.u32(word);
      }
      this.#length -= 4 - (bytes.length - whole);
    }
  }

  /** Whole words; the quick way for pages. `count` is a multiple of four and nothing is pending. */
  words(words: Uint32Array, from: number, count: number): void {
    for (let i = from; i < from + count; i += 4) {
      this.#block(
        words[i] as number,
        words[i + 1] as number,
        words[i + 2] as number,
        words[i + 3] as number,
      );
    }
    this.#length += count * 4;
  }

  /** The four words of the digest of all that came so far; the hasher itself goes on unchanged. */
  finish(): [number, number, number, number] {
    let [h1, h2, h3, h4] = [this.#h1, this.#h2, this.#h3, this.#h4];
    if (this.#pending > 3) h4 ^= scramble(this.#w3, C4, 18, C1);
    if (this.#pending > 2) h3 ^= scramble(this.#w2, C3, 17, C4);
    if (this.#pending > 1) h2 ^= scramble(this.#w1, C2, 16, C3);
    if (this.#pending > 0) h1 ^= scramble(this.#w0, C1, 15, C2);
    h1 ^= this.#length;
    h2 ^= this.#length;
    h3 ^= this.#length;
    h4 ^= this.#length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    h1 = finalMix(h1);
    h2 = finalMix(h2);
    h3 = finalMix(h3);
    h4 = finalMix(h4);
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    return [h1 >>> 0, h2 >>> 0, h3 >>> 0, h4 >>> 0];
  }

  /** The digest as 32 hexadecimal digits. */
  hex(): string {
    return toHex(this.finish());
  }

  save(): HashState {
    const { high, low } = split(this.#length);
    return [
      this.#h1,
      this.#h2,
      this.#h3,
      this.#h4,
      this.#w0,
      this.#w1,
      this.#w2,
      this.#w3,
      this.#pending,
      high,
      low,
    ];
  }

  load(state: HashState): void {
    if (state.length !== STATE_WORDS) throw new RangeError("a hash state has eleven words");
    const words = state as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    [this.#h1, this.#h2, this.#h3, this.#h4] = words;
    [, , , , this.#w0, this.#w1, this.#w2, this.#w3, this.#pending] = words;
    const [, , , , , , , , , high, low] = words;
    this.#length = high * 2 ** 32 + low;
  }

  #block(w0: number, w1: number, w2: number, w3: number): void {
    let h1 = this.#h1 ^ scramble(w0, C1, 15, C2);
    h1 = ((h1 << 19) | (h1 >>> 13)) + this.#h2;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    let h2 = this.#h2 ^ scramble(w1, C2, 16, C3);
    h2 = ((h2 << 17) | (h2 >>> 15)) + this.#h3;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    let h3 = this.#h3 ^ scramble(w2, C3, 17, C4);
    h3 = ((h3 << 15) | (h3 >>> 17)) + this.#h4;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    let h4 = this.#h4 ^ scramble(w3, C4, 18, C1);
    h4 = ((h4 << 13) | (h4 >>> 19)) + h1;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
    this.#h1 = h1;
    this.#h2 = h2;
    this.#h3 = h3;
    this.#h4 = h4;
  }
}

function scramble(word: number, before: number, turn: number, after: number): number {
  const k = Math.imul(word, before);
  return Math.imul((k << turn) | (k >>> (32 - turn)), after);
}

function split(length: number): { high: number; low: number } {
  const high = Math.floor(length / 2 ** 32);
  return { high, low: length - high * 2 ** 32 };
}

export function toHex(words: readonly number[]): string {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

/** A 32-bit name for a text, for tables; not for telling runs apart. */
export function hashText(text: string): number {
  const hasher = new Hasher();
  hasher.text(text);
  return hasher.finish()[0];
}
