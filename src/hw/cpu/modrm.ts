/** The addresses that ModR/M and SIB bytes name: SDM Vol. 2, "ModR/M and SIB Bytes". */

import type { CodeSize, MemoryOperand } from "./decode.ts";

/** The bytes of an instruction, read one after the other. */
export interface CodeReader {
  next(): number;
  signed(size: number): bigint;
}

/** SDM Vol. 2, "32-Bit Addressing Forms with the ModR/M Byte" and "… with the SIB Byte". */
export function readMemory(
  reader: CodeReader,
  mod: number,
  rm: number,
  rex: number,
  code: CodeSize,
): MemoryOperand {
  const rexB = (rex & 1) << 3;
  const rexX = (rex & 2) << 2;
  let base: MemoryOperand["base"] = rm | rexB;
  let index: number | null = null;
  let scale: MemoryOperand["scale"] = 1;
  let size = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  if (rm === 4) {
    const sib = reader.next();
    const indexNumber = ((sib >> 3) & 7) | rexX;
    index = indexNumber === 4 ? null : indexNumber;
    if (index !== null) scale = (1 << (sib >> 6)) as MemoryOperand["scale"];
    base = (sib & 7) | rexB;
    if ((sib & 7) === 5 && mod === 0) {
      base = null;
      size = 4;
    }
  } else if (rm === 5 && mod === 0) {
    base = code === 64 ? "rip" : null;
    size = 4;
  }
  return { base, index, scale, displacement: size === 0 ? 0n : reader.signed(size) };
}

const [BX, BP, SI, DI] = [3, 5, 6, 7] as const;
/** SDM Vol. 2, "16-Bit Addressing Forms with the ModR/M Byte". */
const FORMS_16 = [
  [BX, SI],
  [BX, DI],
  [BP, SI],
  [BP, DI],
  [SI, null],
  [DI, null],
  [BP, null],
  [BX, null],
] as const;

export function readMemory16(reader: CodeReader, mod: number, rm: number): MemoryOperand {
  if (mod === 0 && rm === 6)
    return { base: null, index: null, scale: 1, displacement: reader.signed(2) };
  const [base, index] = FORMS_16[rm] as (typeof FORMS_16)[number];
  const size = mod === 1 ? 1 : mod === 2 ? 2 : 0;
  return { base, index, scale: 1, displacement: size === 0 ? 0n : reader.signed(size) };
}

/** Addresses based on rSP or rBP are in the stack segment by default. */
export function usesStackSegment({ base }: MemoryOperand, addressSize: number): boolean {
  return base === 5 || (base === 4 && addressSize !== 16);
}
