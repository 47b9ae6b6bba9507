/**
 * Random values as instructions meet them: integers and reals with the hard ones mixed in, x87 and SSE
 * state, contents of memory operands and stack slots. What a seed draws is frozen: see inputs.ts.
 */

import alea from "seedrandom/lib/alea.js";
import { FX_BYTES, type Mode, WINDOW } from "./records.ts";
import { drawStack, drawXsaveArea } from "./x87-state.ts";

/** What the elements of a vector register or a memory operand look like. */
export type Lanes = "int" | "f32" | "f64" | "mixed";

/**
 * What lies where a memory operand points: lanes, or an 80-bit real, packed decimal, a canonical code
 * address, a far pointer (offset, then selector), an FXSAVE image, MXCSR, an x87 environment.
 */
export type Content =
  | Lanes
  | "f80"
  | "bcd"
  | "code"
  | "far"
  | "fxsave"
  | "mxcsr"
  | "x87env"
  | "xsave";

/** What a stack slot holds: a code address, a code or stack selector, a flags image, a stack address, anything. */
export type StackSlot = "code" | "cs" | "ss" | "flags" | "stack" | "any";

const MASK_64 = 0xffff_ffff_ffff_ffffn;

const makeAlea = alea as unknown as (seed: string) => () => number;

export class Draws {
  readonly #next: () => number;

  constructor(seed: string) {
    this.#next = makeAlea(seed);
  }

  /** A whole number below `bound`, which is at most 2^32. */
  below(bound: number): number {
    return Math.floor(this.#next() * bound);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  u32(): number {
    return this.below(0x1_0000_0000);
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer as tests like them, as 64 bits. */
  integer(): bigint {
    const bits = BigInt(this.pick([8, 16, 32, 64]));
    switch (this.below(16)) {
      case 0:
        return 0n;
      case 1:
        return 1n;
      case 2:
        return MASK_64;
      case 3:
        return 1n << (bits - 1n);
      case 4:
        return (1n << (bits - 1n)) - 1n;
      case 5:
        return 1n << BigInt(this.below(64));
      case 6:
        return (1n << BigInt(this.below(65))) - 1n;
      case 7:
        return BigInt(this.below(256));
      case 8:
        return MASK_64 - BigInt(this.below(256));
      case 9:
        return BigInt(WINDOW.data.address + this.below(WINDOW.data.bytes));
      case 10:
        return BigInt.asUintN(64, BigInt.asIntN(Number(bits), this.u64()));
      case 11:
        return BigInt(this.u32());
      default:
        return this.u64();
    }
  }

  /** Bits of a binary floating-point number with `exponentBits` and `fractionBits`. */
  float(exponentBits: number, fractionBits: number): bigint {
    const fraction = BigInt.asUintN(fractionBits, this.u64());
    const exponentMax = (1 << exponentBits) - 1;
    const bias = exponentMax >> 1;
    const quiet = 1n << BigInt(fractionBits - 1);
    const sign = BigInt(this.below(2));
    const make = (exponent: number, significand: bigint): bigint =>
      (((sign << BigInt(exponentBits)) | BigInt(exponent)) << BigInt(fractionBits)) | significand;
    switch (this.below(20)) {
      case 0:
        return make(0, 0n);
      case 1:
        return make(bias, 0n);
      case 2:
        return make(exponentMax, 0n);
      case 3:
        return make(exponentMax, quiet | fraction);
      case 4:
        return make(exponentMax, (fraction & (quiet - 1n)) | 1n);
      case 5:
        return make(0, fraction | 1n);
      case 6:
        return make(0, this.chance(2) ? 1n : (quiet << 1n) - 1n);
      case 7:
        return make(1, this.chance(2) ? 0n : fraction);
      case 8:
        return make(exponentMax - 1, this.chance(2) ? (quiet << 1n) - 1n : fraction);
      case 9:
        // Integers and halves of them, around the places where conversions and rounding turn.
        return make(
          bias + this.between(-1, fractionBits + 2),
          fraction & -(quiet >> BigInt(this.below(12))),
        );
      case 10:
        return make(bias + this.pick([7, 8, 15, 16, 31, 32, 63, 64].filter((e) => e <= bias)), 0n);
      case 11:
        return make(this.below(exponentMax + 1), fraction);
      default:
        // Near one another, so that sums cancel and products stay finite.
        return make(bias + this.between(-4, 4), this.chance(4) ? fraction & -quiet : fraction);
    }
  }

  /** An x87 register as significand and sign with exponent; encodings that the 8087 knew too. */
  extended(): { significand: bigint; signExponent: number } {
    const one = 1n << 63n;
    const sign = this.below(2) << 15;
    const fraction = this.u64() & (one - 1n);
    const make = (exponent: number, significand: bigint) => ({
      significand,
      signExponent: sign | exponent,
    });
    switch (this.below(20)) {
      case 0:
        return make(0, 0n);
      case 1:
        return make(0x3fff, one);
      case 2:
        return make(0x7fff, one);
      case 3:
        return make(0x7fff, one | (1n << 62n) | fraction);
      case 4:
        return make(0x7fff, one | (fraction & ~(1n << 62n)) | 1n);
      case 5:
        return make(0, fraction | 1n);
      case 6:
        return make(0, one | fraction);
      case 7:
        return make(this.between(1, 0x7fff), fraction);
      case 8:
        return make(this.chance(2) ? 1 : 0x7ffe, one | fraction);
      case 9:
        return make(
          0x3fff + this.between(-1, 66),
          one | (fraction & -(1n << BigInt(this.below(63)))),
        );
      case 10:
        return make(0x3fff + this.pick([7, 8, 15, 16, 31, 32, 63, 64]), one);
      case 11:
        return make(this.below(0x8000), one | fraction);
      default:
        return make(
          0x3fff + this.between(-4, 4),
          one | (this.chance(4) ? fraction & -(1n << 61n) : fraction),
        );
    }
  }

  /** Sixteen bytes' worth of elements, or fewer. */
  lanes(view: DataView, at: number, bytes: number, lanes: Lanes): void {
    const kind = lanes === "mixed" ? this.pick(["int", "f32", "f64"] as const) : lanes;
    const elementBytes = kind === "f64" ? 8 : kind === "f32" ? 4 : this.pick([1, 2, 4, 8]);
    for (let offset = 0; offset < bytes; offset += elementBytes) {
      const value =
        kind === "f64" ? this.float(11, 52) : kind === "f32" ? this.float(8, 23) : this.integer();
      for (let i = 0; i < elementBytes && offset + i < bytes; i++) {
        view.setUint8(at + offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
      }
    }
  }

  mxcsr(): number {
    if (this.chance(2)) return 0x1f80;
    const rounding = this.below(4) << 13;
    const flush = (this.chance(8) ? 0x8000 : 0) | (this.chance(8) ? 0x0040 : 0);
    const masks = this.chance(6) ? this.below(64) << 7 : 0x1f80;
    const flags = this.chance(4) ? this.below(64) : 0;
    return rounding | flush | masks | flags;
  }

  x87Control(): number {
    if (this.chance(2)) return 0x037f;
    const rounding = this.below(4) << 10;
    const precision = this.pick([0, 2, 3, 3]) << 8;
    const masks = this.chance(6) ? this.below(64) : 0x3f;
    return 0x40 | rounding | precision | masks;
  }

  /** A status word that fits the control word: ES and B say whether an unmasked exception is pending. */
  x87Status(control: number): number {
    const flags = this.chance(8) ? this.below(128) : 0;
    const conditions = this.pick([0, this.u32() & 0x4700]);
    const pending = (flags & ~control & 0x3f) === 0 ? 0 : 0x8080;
    return (this.below(8) << 11) | conditions | flags | pending;
  }
}

// ---- Floating-point state ----

export function drawFx(
  draws: Draws,
  x87: "float" | "mmx" | "stack" | undefined,
  sse: Lanes | undefined,
): Uint8Array {
  const fx = new Uint8Array(FX_BYTES);
  const view = new DataView(fx.buffer);
  view.setUint16(0, 0x037f, true);
  view.setUint32(24, 0x1f80, true);
  if (x87 === "stack") {
    drawStack(draws, view);
  } else if (x87 !== undefined) {
    const control = draws.x87Control();
    view.setUint16(0, control, true);
    view.setUint16(2, draws.x87Status(control), true);
    // The abridged tag: a bit says that the register is not empty.
    view.setUint8(4, draws.chance(4) ? draws.below(256) : 0xff);
    for (let i = 0; i < 8; i++) {
      if (x87 === "mmx") {
        draws.lanes(view, 32 + 16 * i, 8, "int");
        view.setUint16(40 + 16 * i, 0xffff, true);
      } else {
        const { significand, signExponent } = draws.extended();
        view.setBigUint64(32 + 16 * i, significand, true);
        view.setUint16(40 + 16 * i, signExponent, true);
      }
    }
  }
  if (sse !== undefined) {
    view.setUint32(24, draws.mxcsr(), true);
    for (let i = 0; i < 16; i++) draws.lanes(view, 160 + 16 * i, 16, sse);
  }
  return fx;
}

// ---- Memory ----

/** A code address that is canonical, mostly within the code page. */
function drawCodeAddress(draws: Draws, mode: Mode): bigint {
  if (draws.below(4) !== 0) return BigInt(WINDOW.code.address + draws.below(WINDOW.code.bytes));
  if (mode === 32) return BigInt(draws.u32());
  return draws.u64() & 0x7fff_ffff_ffffn;
}

const CODE_SELECTORS = {
  64: [0x33, 0x33, 0x33, 0x23, 0x2b, 0],
  32: [0x23, 0x23, 0x23, 0x33, 0x2b, 0],
};

export function drawSlot(draws: Draws, slot: StackSlot, mode: Mode): bigint {
  switch (slot) {
    case "code":
      return drawCodeAddress(draws, mode);
    case "cs":
      return BigInt(draws.pick(CODE_SELECTORS[mode]));
    case "ss":
      return BigInt(draws.pick([0x2b, 0x2b, 0x2b, 0x2b, 0x33, 0]));
    case "flags":
      return BigInt(draws.u32() & 0x0024_7ed5);
    case "stack":
      return BigInt(WINDOW.stack.address + 8 * draws.below(WINDOW.stack.bytes / 8));
    case "any":
      return draws.integer();
  }
}

export function drawContent(draws: Draws, content: Content, bytes: number, mode: Mode): Uint8Array {
  const memory = new Uint8Array(bytes);
  // Written in whole elements; what does not fit is cut off.
  const wide = new Uint8Array(Math.max(bytes, FX_BYTES));
  const view = new DataView(wide.buffer);
  switch (content) {
    case "int":
    case "f32":
    case "f64":
    case "mixed":
      for (let at = 0; at < bytes; at += 16)
        draws.lanes(view, at, Math.min(16, bytes - at), content);
      break;
    case "f80": {
      const { significand, signExponent } = draws.extended();
      view.setBigUint64(0, significand, true);
      view.setUint16(8, signExponent, true);
      break;
    }
    case "bcd":
      for (let i = 0; i < 9; i++) view.setUint8(i, (draws.below(10) << 4) | draws.below(10));
      view.setUint8(9, draws.below(2) << 7);
      break;
    case "code":
      view.setBigUint64(0, drawCodeAddress(draws, mode), true);
      break;
    case "far": {
      view.setBigUint64(0, drawCodeAddress(draws, mode), true);
      view.setUint16(Math.max(0, bytes - 2), draws.pick(CODE_SELECTORS[mode]), true);
      break;
    }
    case "fxsave":
      wide.set(drawFx(draws, "float", "mixed"));
      break;
    case "xsave":
      wide.set(drawXsaveArea(draws, drawFx(draws, "stack", "mixed")));
      break;
    case "mxcsr":
      view.setUint32(0, draws.chance(8) ? draws.u32() : draws.mxcsr(), true);
      break;
    case "x87env": {
      // The 32-bit format; an instruction with the 16-bit one reads a mixture, which is a test as well.
      const control = draws.x87Control();
      for (let at = 0; at < bytes; at += 4) view.setUint32(at, draws.u32(), true);
      view.setUint16(0, control, true);
      view.setUint16(4, draws.x87Status(control), true);
      break;
    }
  }
  memory.set(wide.subarray(0, bytes));
  return memory;
}
