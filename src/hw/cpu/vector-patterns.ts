/** What many SSE instructions have in common: the shapes of their semantics, named after what they do. */

import type { Operand } from "./semantics.ts";
import type { Value } from "./uop.ts";
import type {
  Lane,
  LaneBinary,
  LaneReshaping,
  LaneShift,
  LaneUnary,
  VectorValue,
} from "./vector.ts";
import type { FloatFunction } from "./vector-float.ts";
import type { PackedFormat, ScalarFormat, SseText, Vectors } from "./vector-semantics.ts";

type VectorSemantics = SseText["semantics"];

const bitsOf = ({ format }: ScalarFormat | PackedFormat): 32 | 64 => (format === "f32" ? 32 : 64);

// Floating point.

/** Element by element on whole vectors; of one operand, the second. */
export function packedFloat(fn: FloatFunction, of: PackedFormat): VectorSemantics {
  return (v, dst, src) => v.write(dst, v.float(fn, of, v.read(dst), v.read(src)));
}

/** On the lowest element; the others stay. */
export function scalarFloat(fn: FloatFunction, of: ScalarFormat): VectorSemantics {
  return (v, dst, src) => v.write(dst, v.float(fn, of, v.read(dst), v.readLow(src, bitsOf(of))));
}

/** The same with an immediate. */
export function packedFloatBy(fn: FloatFunction, of: PackedFormat): VectorSemantics {
  return (v, dst, src, imm) =>
    v.write(dst, v.float(fn, of, v.read(dst), v.read(src), v.u.read(imm)));
}

export function scalarFloatBy(fn: FloatFunction, of: ScalarFormat): VectorSemantics {
  return (v, dst, src, imm) =>
    v.write(dst, v.float(fn, of, v.read(dst), v.readLow(src, bitsOf(of)), v.u.read(imm)));
}

/** Of neighbours: those of the first operand, then those of the second. */
export function horizontalFloat(fn: "add" | "sub", of: PackedFormat): VectorSemantics {
  return (v, dst, src) => {
    const [a, b] = [v.read(dst), v.read(src)];
    const bits = bitsOf(of);
    v.write(dst, v.float(fn, of, evenLanes(v, bits, a, b), oddLanes(v, bits, a, b)));
  };
}

/** The elements of a vector of another format. */
export function packedConversion(
  fn: FloatFunction,
  of: PackedFormat,
  from: 64 | 128,
): VectorSemantics {
  return (v, dst, src) => {
    const source = from === 128 ? v.read(src) : v.readLow(src, 64);
    v.write(dst, v.float(fn, of, source, source));
  };
}

export function toGeneral(fn: "toInteger" | "truncate", of: ScalarFormat): VectorSemantics {
  return (v, dst, src) => {
    const source = v.readLow(src, bitsOf(of));
    v.u.write(dst, v.floatToScalar(fn, of, source, source, dst.width as 32 | 64));
  };
}

export function fromGeneral(of: ScalarFormat): VectorSemantics {
  return (v, dst, src) => {
    const integer = v.fromScalar(v.u.readSigned(src, 64));
    v.write(dst, v.float("fromInteger", of, v.read(dst), integer));
  };
}

/** ZF, PF and CF by the relation; OF, SF and AF are cleared. */
export function compareIntoFlags(
  fn: "compareOrdered" | "compareUnordered",
  of: ScalarFormat,
): VectorSemantics {
  return (v, first, second) => {
    const { u } = v;
    const relation = v.floatToScalar(fn, of, v.read(first), v.readLow(second, bitsOf(of)), 8);
    const none = u.const(1, 0);
    u.setFlags({
      ZF: u.bit(relation, 6),
      PF: u.bit(relation, 2),
      CF: u.bit(relation, 0),
      OF: none,
      SF: none,
      AF: none,
    });
  };
}

/** Products of the elements that the high half of the immediate names, added up, to where the low half says. */
export function dotProduct(of: PackedFormat): VectorSemantics {
  return (v, dst, src, imm) => {
    const bits = bitsOf(of);
    const control = v.u.read(imm);
    const wanted = maskOfBits(v, bits, control, 4);
    const [a, b] = [v.and(v.read(dst), wanted), v.and(v.read(src), wanted)];
    let sum = v.float("mul", of, a, b);
    for (let stride = bits; stride < 128; stride *= 2) {
      const [even, odd] = [evenLanes(v, bits, sum, sum), oddLanes(v, bits, sum, sum)];
      sum = v.float("add", of, even, odd);
    }
    v.write(dst, v.and(sum, maskOfBits(v, bits, control, 0)));
  };
}

// Integers.

export function packedInteger(fn: LaneBinary | LaneReshaping, lane: Lane): VectorSemantics {
  return (v, dst, src) => {
    const [a, b] = [v.read(dst), v.read(src)];
    const packs = fn === "packSigned" || fn === "packUnsigned";
    // The lanes of two MMX registers lie side by side in one vector.
    const first = packs && isMmx(dst) ? joinLow(v, a, b) : a;
    v.write(dst, v.lanes(fn, lane, first, b));
  };
}

export function packedUnary(fn: LaneUnary, lane: Lane): VectorSemantics {
  return (v, dst, src) => v.write(dst, v.unary(fn, lane, v.read(src)));
}

export function horizontalInteger(fn: LaneBinary, lane: Lane): VectorSemantics {
  return (v, dst, src) => {
    const [own, b] = [v.read(dst), v.read(src)];
    const a = isMmx(dst) ? joinLow(v, own, b) : own;
    v.write(dst, v.lanes(fn, lane, evenLanes(v, lane, a, b), oddLanes(v, lane, a, b)));
  };
}

/** The lowest lanes, extended to fill the register. */
export function extension(
  fn: "extendSigned" | "extendUnsigned",
  lane: Lane,
  to: Lane,
): VectorSemantics {
  return (v, dst, src) => {
    const bits = (128 * lane) / to;
    v.write(dst, v.unary(fn, lane, v.readLow(src, bits as 16 | 32 | 64), to));
  };
}

/** By an immediate, or by the low half of a vector. */
export function shiftLanes(fn: LaneShift, lane: Lane): VectorSemantics {
  return (v, dst, by) => {
    const count =
      by.place === "immediate" ? v.u.zeroExtend(v.u.read(by), 64) : v.extract(v.read(by), 64, 0);
    v.write(dst, v.shift(fn, lane, v.read(dst), count));
  };
}

/** The whole register by bytes, to the right when positive. */
export function shiftBytes(direction: 1 | -1): VectorSemantics {
  return (v, dst, imm) => {
    const count = v.splat(8, clamped(v, v.u.read(imm), 16));
    const fn = direction === 1 ? "add" : "sub";
    v.write(dst, v.swizzle(v.read(dst), v.lanes(fn, 8, byteNumbers(v, 0), count)));
  };
}

/** Lanes of the two operands in turn, from the low or the high halves. */
export function interleave(lane: Lane, half: "low" | "high"): VectorSemantics {
  const count = 128 / lane;
  return (v, dst, src) => {
    const first = half === "low" ? 0 : count / (isMmx(dst) ? 4 : 2);
    const numbers = Array.from({ length: count / 2 }, (_, i) => [first + i, count + first + i]);
    v.write(dst, v.shuffleLanes(lane, v.read(dst), v.read(src), numbers.flat()));
  };
}

// Moves.

export const moveAligned: VectorSemantics = (v, dst, src) => v.write(dst, v.read(src));

export const moveUnaligned: VectorSemantics = (v, dst, src) =>
  v.writeUnaligned(dst, v.readUnaligned(src));

/** From memory with zeros above; between registers, the lowest element alone. */
export function moveScalar(bits: 32 | 64): VectorSemantics {
  const kept = bits === 32 ? [4, 1, 2, 3] : [2, 1];
  return (v, dst, src) => {
    if (dst.place === "memory") v.store(dst, v.extract(v.read(src), bits, 0));
    else if (src.place === "memory") v.write(dst, v.readLow(src, bits));
    else v.write(dst, v.shuffleLanes(bits, v.read(dst), v.read(src), kept));
  };
}

/** One half of a register to or from memory. */
export function moveHalf(half: 0 | 1): VectorSemantics {
  return (v, dst, src) => {
    if (dst.place === "memory") {
      v.store(dst, v.extract(v.read(src), 64, half));
      return;
    }
    const loaded = v.readScalar(src, 64);
    const kept = v.extract(v.read(dst), 64, half === 0 ? 1 : 0);
    v.write(dst, half === 0 ? v.join(loaded, kept) : v.join(kept, loaded));
  };
}

export function moveMask(lane: Lane): VectorSemantics {
  return (v, dst, src) => v.u.write(dst, v.bitmask(lane, v.read(src)));
}

// Selection.

/** Lanes of the second operand where bits of the immediate are set. */
export function blendByImmediate(lane: Lane): VectorSemantics {
  return (v, dst, src, imm) => {
    const mask = maskOfBits(v, lane, v.u.read(imm), 0);
    v.write(dst, v.choose(mask, v.read(src), v.read(dst)));
  };
}

/** Lanes of the second operand where XMM0's are negative. */
export function blendByXmm0(lane: Lane): VectorSemantics {
  return (v, dst, src) => {
    const none = v.const(0n);
    const mask = v.lanes("gtSigned", lane, none, v.xmm0());
    v.write(dst, v.choose(mask, v.read(src), v.read(dst)));
  };
}

/** The lane that the immediate names; what of it is beyond the number of lanes does not count. */
export function extractByImmediate(lane: Lane): VectorSemantics {
  return (v, dst, src, imm) => {
    const numbers = byteNumbersOf(v, lane, lanesIn(src, lane), v.u.read(imm));
    const chosen = v.swizzle(v.read(src), numbers);
    const value = v.extract(chosen, lane, 0);
    if (dst.place === "memory") v.store(dst, value);
    else v.u.write(dst, v.u.zeroExtend(value, dst.width));
  };
}

/** A general register's low bits, or so many of memory, to the lane that the immediate names. */
export function insertByImmediate(lane: Lane): VectorSemantics {
  return (v, dst, src, imm) => {
    const value =
      src.place === "memory" ? v.u.load("effective", v.u.address(src), lane) : v.u.read(src);
    const mask = maskOfLane(v, lane, v.u.read(imm), lanesIn(dst, lane));
    v.write(dst, v.choose(mask, v.splat(lane, value), v.read(dst)));
  };
}

// Helpers.

const isMmx = ({ vector }: Operand): boolean => vector === "mmx";

const lanesIn = (operand: Operand, lane: Lane): number => (isMmx(operand) ? 64 : 128) / lane;

/** The low halves of two vectors. */
export function joinLow(v: Vectors, low: VectorValue, high: VectorValue): VectorValue {
  return v.join(v.extract(low, 64, 0), v.extract(high, 64, 0));
}

function evenLanes(v: Vectors, lane: Lane, a: VectorValue, b: VectorValue): VectorValue {
  return v.shuffleLanes(lane, a, b, everySecond(lane, 0));
}

function oddLanes(v: Vectors, lane: Lane, a: VectorValue, b: VectorValue): VectorValue {
  return v.shuffleLanes(lane, a, b, everySecond(lane, 1));
}

const everySecond = (lane: Lane, first: number): number[] =>
  Array.from({ length: 128 / lane }, (_, i) => 2 * i + first);

/** Bytes numbered upwards. */
export function byteNumbers(v: Vectors, first: number): VectorValue {
  return v.constLanes(
    8,
    Array.from({ length: 16 }, (_, i) => first + i),
  );
}

/** An immediate, or a limit if that is less. */
export function clamped(v: Vectors, imm: Value, limit: number): Value {
  const most = v.u.const(8, limit);
  return v.u.select(v.u.ltu(imm, most), imm, most);
}

/** In the lowest lane the numbers of the bytes of the lane that an immediate names. */
function byteNumbersOf(v: Vectors, lane: Lane, count: number, imm: Value): VectorValue {
  const { u } = v;
  const size = lane / 8;
  const number = u.and(imm, u.const(8, count - 1));
  const first = u.mul(number, u.const(8, size));
  return v.lanes("add", 8, v.splat(8, first), byteNumbers(v, 0));
}

/** The lane that an immediate names, repeated. */
export function repeatLane32(v: Vectors, from: VectorValue, number: Value): VectorValue {
  const first = v.splat(8, v.u.mul(number, v.u.const(8, 4)));
  const within = v.constLanes(32, [0x0302_0100, 0x0302_0100, 0x0302_0100, 0x0302_0100]);
  return v.swizzle(from, v.lanes("add", 8, first, within));
}

/** Ones in the lane that an immediate names. */
export function maskOfLane(v: Vectors, lane: Lane, imm: Value, count = 128 / lane): VectorValue {
  const number = v.u.and(imm, v.u.const(8, count - 1));
  const numbers = Array.from({ length: 128 / lane }, (_, i) => i);
  return v.lanes("eq", lane, v.splat(lane, number), v.constLanes(lane, numbers));
}

/** Ones in the lanes whose bits are set in an immediate, from bit `first` on. */
export function maskOfBits(v: Vectors, lane: Lane, imm: Value, first: number): VectorValue {
  const bits = v.constLanes(
    lane,
    Array.from({ length: 128 / lane }, (_, i) => 1 << (first + i)),
  );
  return v.lanes("eq", lane, v.and(v.splat(lane, imm), bits), bits);
}

/**
 * Half of a swizzle's control: lanes that fields of an immediate choose, from field `first` on. `base` is the number
 * of the lane that a field of 0 means.
 */
export function chosenLanes(
  v: Vectors,
  lane: 16 | 32 | 64,
  imm: Value,
  first: number,
  base: number,
): Value {
  const { u } = v;
  const field = lane === 64 ? 1 : 2;
  const size = lane / 8;
  const wide = u.zeroExtend(imm, 64);
  let fields = u.const(64, 0);
  let offsets = 0n;
  for (let i = 0; i < 64 / lane; i += 1) {
    const shifted = u.shr(wide, u.const(64, field * (first + i)));
    const chosen = u.and(shifted, u.const(64, (1 << field) - 1));
    fields = u.or(fields, u.shl(chosen, u.const(64, lane * i)));
    for (let byte = 0; byte < size; byte += 1)
      offsets |= BigInt(base * size + byte) << BigInt(lane * i + 8 * byte);
  }
  // A field times the size of a lane, in each byte of the lane.
  let factor = 0n;
  for (let byte = 0; byte < size; byte += 1) factor |= BigInt(size) << BigInt(8 * byte);
  return u.add(u.mul(fields, u.const(64, factor)), u.const(64, offsets));
}
