/**
 * The encoder, derived from the same rows as the decoder: SDM Vol. 2, "Instruction Format". What it gives decodes to
 * what it was given; among several encodings of an address it takes the shortest.
 */

import type { CodeSize, Decoded, MemoryOperand, OperandValue, RegisterNumber } from "./decode.ts";
import type { Form, OperandSpec } from "./forms.ts";
import type { SegmentName } from "./uop.ts";

export type Encoding = Pick<
  Decoded,
  "form" | "operands" | "repeat" | "lock" | "addressSize" | "operandSize"
> & {
  /** A segment override, or null for the segment that the address has by itself. */
  readonly override: SegmentName | null;
};

/** The encoding asked for does not exist; says why. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
}

const SEGMENT_BYTES: Readonly<Record<SegmentName, number>> = {
  ES: 0x26,
  CS: 0x2e,
  SS: 0x36,
  DS: 0x3e,
  FS: 0x64,
  GS: 0x65,
};
const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** Fields of REX and ModR/M as the operands fill them in. */
interface Fields {
  w: boolean;
  r: boolean;
  x: boolean;
  b: boolean;
  /** A register that exists only with REX: SPL, BPL, SIL, DIL. */
  needsRex: boolean;
  /** A register that exists only without: AH, CH, DH, BH. */
  forbidsRex: boolean;
  reg: number;
  opcodeRegister: number;
  /** ModR/M's mod and rm with SIB and displacement, when there is a ModR/M byte. */
  address: readonly number[];
  tail: number[];
}

export function encode(encoding: Encoding, code: CodeSize): Uint8Array {
  const { form } = encoding;
  const fields: Fields = {
    w: form.rexW === true || (form.operandSize === 64 && form.default64 === false),
    r: false,
    x: false,
    b: false,
    needsRex: false,
    forbidsRex: false,
    reg: form.modrm?.digit ?? 0,
    opcodeRegister: 0,
    address: [0xc0],
    tail: [],
  };
  const immediates = [...form.immediates];
  form.operands.forEach((spec, i) =>
    place(spec, encoding.operands[i] as OperandValue, { encoding, code, fields, immediates }),
  );
  return Uint8Array.from([
    ...legacyPrefixes(encoding, code),
    ...rexPrefix(fields, code),
    ...MAP_BYTES[form.map],
    form.opcode + fields.opcodeRegister,
    ...modRm(form, fields),
    ...fields.tail,
  ]);
}

function legacyPrefixes(encoding: Encoding, code: CodeSize): number[] {
  const { form, lock, repeat, override, addressSize } = encoding;
  const bytes: number[] = [];
  if (lock) bytes.push(0xf0);
  if (override !== null) bytes.push(SEGMENT_BYTES[override]);
  if (addressSize !== code) bytes.push(0x67);
  if (needsOperandSizePrefix(encoding, code)) bytes.push(0x66);
  if (form.prefix === "F3" || (form.prefix === null && repeat === "rep")) bytes.push(0xf3);
  if (form.prefix === "F2" || (form.prefix === null && repeat === "repne")) bytes.push(0xf2);
  return bytes;
}

function needsOperandSizePrefix({ form, operandSize }: Encoding, code: CodeSize): boolean {
  if (form.prefix === "66") return true;
  if (form.prefix === "NP" || form.default64 === "forced") return false;
  if (form.operandSize === null || form.operands.some(isVector)) return false;
  if (code === 64) return operandSize === 16;
  return operandSize !== code && operandSize !== 64;
}

const isVector = ({ kind }: OperandSpec): boolean =>
  kind === "xmmReg" || kind === "xmmRm" || kind === "mmxReg" || kind === "mmxRm";

function rexPrefix({ w, r, x, b, needsRex, forbidsRex }: Fields, code: CodeSize): number[] {
  const bits = (w ? 8 : 0) | (r ? 4 : 0) | (x ? 2 : 0) | (b ? 1 : 0);
  if (bits === 0 && !needsRex) return [];
  if (code !== 64) throw new EncodeError("a register or size of 64-bit mode in other code");
  if (forbidsRex) throw new EncodeError("AH, CH, DH or BH together with a REX prefix");
  return [0x40 | bits];
}

function modRm({ modrm }: Form, { reg, address }: Fields): readonly number[] {
  if (modrm === null) return [];
  if (modrm.fixed !== null) return [modrm.fixed];
  const [first = 0, ...rest] = address;
  return [first | (reg << 3), ...rest];
}

interface Placing {
  readonly encoding: Encoding;
  readonly code: CodeSize;
  readonly fields: Fields;
  readonly immediates: number[];
}

function place(spec: OperandSpec, value: OperandValue, placing: Placing): void {
  const { fields, encoding, code } = placing;
  switch (spec.kind) {
    case "reg":
    case "xmmReg":
    case "mmxReg":
    case "controlReg":
    case "debugReg":
    case "segmentReg": {
      const register = registerOf(value, spec, fields);
      fields.reg = register.number & 7;
      fields.r = register.number > 7;
      return;
    }
    case "opcodeReg": {
      const register = registerOf(value, spec, fields);
      fields.opcodeRegister = register.number & 7;
      fields.b = register.number > 7;
      return;
    }
    case "rm":
    case "memory":
    case "xmmRm":
    case "mmxRm":
    case "x87Reg":
      if (value.is === "memory") {
        fields.address = encodeAddress(value.memory, encoding.addressSize, code, fields);
      } else {
        const register = registerOf(value, spec, fields);
        fields.address = [0xc0 | (register.number & 7)];
        fields.b = register.number > 7;
      }
      return;
    case "moffs":
      if (value.is === "memory") {
        pushBytes(fields.tail, value.memory.displacement, encoding.addressSize / 8);
      }
      return;
    case "immediate":
    case "farPointer":
    case "relative":
      if (value.is === "immediate")
        pushBytes(fields.tail, value.value, placing.immediates.shift() ?? 0);
      return;
    default:
  }
}

function registerOf(value: OperandValue, spec: OperandSpec, fields: Fields): RegisterNumber {
  if (value.is !== "register") throw new EncodeError(`${spec.text} is a register here`);
  const { number, high } = value.register;
  if (spec.width !== 8) return { number, high: false };
  if (high) {
    fields.forbidsRex = true;
    return { number: number + 4, high };
  }
  if (number >= 4 && number < 8) fields.needsRex = true;
  return { number, high };
}

function pushBytes(bytes: number[], value: bigint, size: number): void {
  for (let i = 0; i < size; i += 1) bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
}

const fitsByte = (value: bigint): boolean => value >= -128n && value < 128n;

/** Mod and rm with what follows them: SDM Vol. 2, "ModR/M and SIB Bytes". */
function encodeAddress(
  memory: MemoryOperand,
  addressSize: 16 | 32 | 64,
  code: CodeSize,
  fields: Fields,
): readonly number[] {
  if (addressSize === 16) return encodeAddress16(memory);
  const { base, index, scale, displacement } = memory;
  if (index === 4) throw new EncodeError("the stack pointer is no index");
  if (base === "rip") return withDisplacement([0x05], displacement, 4);
  fields.x = index !== null && index > 7;
  fields.b = base !== null && base > 7;
  const scaleBits = (31 - Math.clz32(scale)) << 6;
  const indexBits = ((index ?? 4) & 7) << 3;
  if (base === null) {
    // In 64-bit mode the form without SIB is relative to RIP.
    if (index === null && code !== 64) return withDisplacement([0x05], displacement, 4);
    return withDisplacement([0x04, scaleBits | indexBits | 5], displacement, 4);
  }
  const needsSib = index !== null || (base & 7) === 4;
  const size = displacement === 0n && (base & 7) !== 5 ? 0 : fitsByte(displacement) ? 1 : 4;
  const mod = size === 0 ? 0 : size === 1 ? 0x40 : 0x80;
  if (!needsSib) return withDisplacement([mod | (base & 7)], displacement, size);
  return withDisplacement([mod | 4, scaleBits | indexBits | (base & 7)], displacement, size);
}

/** SDM Vol. 2, "16-Bit Addressing Forms with the ModR/M Byte": rm by base and index. */
const FORMS_16: readonly (readonly [number, number | null])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, null],
  [7, null],
  [5, null],
  [3, null],
];

function encodeAddress16({ base, index, displacement }: MemoryOperand): readonly number[] {
  if (base === null) return withDisplacement([0x06], displacement, 2);
  const rm = FORMS_16.findIndex((form) => form[0] === base && form[1] === index);
  if (rm < 0) throw new EncodeError("an address of 16 bits has BX or BP, SI or DI");
  const size = displacement === 0n && rm !== 6 ? 0 : fitsByte(displacement) ? 1 : 2;
  return withDisplacement([(size << 6) | rm], displacement, size);
}

function withDisplacement(bytes: readonly number[], displacement: bigint, size: number): number[] {
  const limit = 1n << BigInt(8 * size - (size === 0 ? 0 : 1));
  if (size === 4 && (displacement >= limit || displacement < -limit)) {
    throw new EncodeError("a displacement has 32 bits with sign");
  }
  const whole = [...bytes];
  pushBytes(whole, displacement, size);
  return whole;
}
