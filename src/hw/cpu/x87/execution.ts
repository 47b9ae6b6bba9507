/** One x87 instruction being executed: its operands in memory and on the stack. SDM Vol. 1, "x87 FPU Instruction Set". */

import type { AssistContext } from "../assist.ts";
import type { Fault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { F32, F64, F80, fromInteger, type Operand, type Outcome, x87 } from "../softfloat/index.ts";
import { X87Unit } from "./unit.ts";

/** Real indefinite: the response to a stack fault. */
export const INDEFINITE = x87.REAL_INDEFINITE;

export class Execution {
  readonly context: AssistContext;
  readonly unit: X87Unit;

  constructor(context: AssistContext) {
    this.context = context;
    this.unit = new X87Unit(context.state);
  }

  /** The offset of the operand in memory; null where there is none. */
  memoryOffset(): bigint | null {
    const index = this.#memoryIndex();
    return index < 0 ? null : this.context.offset(index);
  }

  get isInMemory(): boolean {
    return this.#memoryIndex() >= 0;
  }

  /** As the manual writes the operand in memory: m32fp, m16int and so on. */
  get memoryText(): string {
    return this.context.decoded.form.operands[this.#memoryIndex()]?.text ?? "";
  }

  /** The i of ST(i), where an operand is in a register. */
  stackIndex(operand: number): number {
    const value = this.context.operand(operand);
    return value.is === "register" ? value.register.number : 0;
  }

  get operandCount(): number {
    return this.context.decoded.form.operands.length;
  }

  /** Bytes from the operand's place on. */
  load(size: number): Uint8Array | Fault {
    return this.context.loadBytes("effective", this.context.offset(this.#memoryIndex()), size);
  }

  store(bytes: Uint8Array): Fault | null {
    return this.context.storeBytes("effective", this.context.offset(this.#memoryIndex()), bytes);
  }

  /** The fault that a store of so many bytes would meet. */
  tryStore(size: number): Fault | null {
    const offset = this.context.offset(this.#memoryIndex());
    return this.context.tryStore("effective", offset, size);
  }

  /** An integer of so many bytes, unsigned. */
  loadInteger(size: number): bigint | Fault {
    const bytes = this.load(size);
    return isFault(bytes) ? bytes : fromBytes(bytes);
  }

  storeInteger(size: number, value: bigint): Fault | null {
    return this.store(toBytes(value, size));
  }

  /** A number in memory, by the notation of the operand. */
  loadNumber(): Operand | Fault {
    const found = /^m(\d+)(fp|int)$/.exec(this.memoryText);
    const bits = Number(found?.[1]);
    const value = this.loadInteger(bits / 8);
    if (isFault(value)) return value;
    if (found?.[2] === "int") return fromInteger(BigInt.asIntN(bits, value));
    return bits === 32 ? F32.unpack(Number(value)) : F64.unpack(value);
  }

  /** ST(i) taken apart. */
  number(index: number): Operand {
    return F80.unpack(this.unit.st(index));
  }

  /** A result for the unit alone; never a fault. */
  complete(result: Outcome<unknown>, commit: () => void): null {
    this.unit.complete(result, commit);
    return null;
  }

  stackFault(kind: "underflow" | "overflow", masked: () => void): null {
    this.unit.stackFault(kind, masked);
    return null;
  }

  #memoryIndex(): number {
    return this.context.decoded.operands.findIndex(({ is }) => is === "memory");
  }
}

export function fromBytes(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

export function toBytes(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
