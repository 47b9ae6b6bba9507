/**
 * The registers of the x87 FPU, its register stack and its exceptions: SDM Vol. 1, "x87 FPU Execution Environment",
 * "x87 FPU Floating-Point Exception Handling". Not modelled: FCS and FDS, see POINTER_SELECTORS.
 */

import { F80, IE, type Outcome, x87 } from "../softfloat/index.ts";
import { type CpuState, OFFSET } from "../state.ts";

const { C0, C1, C2, C3 } = x87;

export const CONDITIONS = C0 | C1 | C2 | C3;
/** Flags of the six exceptions, at the same bits in control and status word. */
const EXCEPTIONS = 0x3f;
const STACK_FAULT = 0x40;
/** An unmasked exception is pending. */
export const ES = 0x80;
/** ES, and B, which is the same. */
const SUMMARY = 0x8000 | ES;
const TOP_SHIFT = 11;
export const TOP = 7 << TOP_SHIFT;
/** Bit 6 of the control word reads as 1, bits 7 and 13 to 15 as 0. */
const CONTROL_FIXED = 0x40;
const CONTROL_WRITABLE = 0x1f3f;
const INITIAL_CONTROL = 0x037f;
const EMPTY = 3;
export const OPCODE_BITS = 0x7ff;

/** Bits of OFFSET.x87Wires. */
export const WIRES = {
  /** FERR#, an output: with CR0.NE clear, an instruction waits for an exception. It falls with the exception summary. */
  FERR: 1,
  /** IGNNE#, an input: with CR0.NE clear, instructions do not wait. */
  IGNNE: 2,
} as const;

/**
 * FCS and FDS are always stored as this, and not kept: SDM Vol. 1, "x87 FPU Instruction and Data (Operand) Pointers";
 * CPUID.(EAX=07H,ECX=0H):EBX[13], "Deprecates FPU CS and FPU DS values".
 */
export const POINTER_SELECTORS = 0;

export class X87Unit {
  readonly state: CpuState;
  readonly #view: DataView;

  constructor(state: CpuState) {
    this.state = state;
    this.#view = state.view;
  }

  // Registers that are not on the stack.

  get control(): number {
    return this.#view.getUint16(OFFSET.x87Control, true);
  }

  set control(value: number) {
    const kept = (value & CONTROL_WRITABLE) | CONTROL_FIXED;
    this.#view.setUint16(OFFSET.x87Control, kept, true);
    this.#summarize();
  }

  get status(): number {
    return this.#view.getUint16(OFFSET.x87Status, true);
  }

  /** ES and B follow from the rest. */
  set status(value: number) {
    this.#view.setUint16(OFFSET.x87Status, value, true);
    this.#summarize();
  }

  get top(): number {
    return (this.status & TOP) >> TOP_SHIFT;
  }

  get opcode(): number {
    return this.#view.getUint16(OFFSET.x87Opcode, true);
  }

  set opcode(value: number) {
    this.#view.setUint16(OFFSET.x87Opcode, value & OPCODE_BITS, true);
  }

  get instructionPointer(): bigint {
    return this.#view.getBigUint64(OFFSET.x87Instruction, true);
  }

  set instructionPointer(value: bigint) {
    this.#view.setBigUint64(OFFSET.x87Instruction, value, true);
  }

  get dataPointer(): bigint {
    return this.#view.getBigUint64(OFFSET.x87Data, true);
  }

  set dataPointer(value: bigint) {
    this.#view.setBigUint64(OFFSET.x87Data, value, true);
  }

  /** A bit for each physical register that is not empty, as FXSAVE has them. */
  get abridgedTags(): number {
    const tags = this.#tags;
    let bits = 0;
    for (let i = 0; i < 8; i += 1) bits |= ((tags >> (2 * i)) & 3) === EMPTY ? 0 : 1 << i;
    return bits;
  }

  set abridgedTags(bits: number) {
    let tags = 0;
    for (let i = 0; i < 8; i += 1) tags |= ((bits >> i) & 1) === 1 ? 0 : EMPTY << (2 * i);
    this.#tags = tags;
  }

  /** The tag word as FSTENV has it: valid, zero, special, empty. SDM Vol. 1, "x87 FPU Tag Word". */
  get fullTags(): number {
    let tags = 0;
    for (let i = 0; i < 8; i += 1)
      tags |= (this.#isEmpty(i) ? EMPTY : classOf(this.physical(i))) << (2 * i);
    return tags;
  }

  /** Of a tag only matters whether it says empty. */
  set fullTags(tags: number) {
    let bits = 0;
    for (let i = 0; i < 8; i += 1) bits |= ((tags >> (2 * i)) & 3) === EMPTY ? 0 : 1 << i;
    this.abridgedTags = bits;
  }

  /** FNINIT; the registers keep what they hold. */
  initialize(): void {
    this.control = INITIAL_CONTROL;
    this.status = 0;
    this.abridgedTags = 0;
    this.forgetPointers();
  }

  /** As `initialize` leaves it, with zeros in every register (SDM Vol. 1, "Processor Tracking of XSAVE-Managed State"). */
  get isInitial(): boolean {
    const registers = Array.from({ length: 8 }, (_, i) => this.physical(i));
    return (
      this.control === INITIAL_CONTROL &&
      this.status === 0 &&
      this.abridgedTags === 0 &&
      this.opcode === 0 &&
      this.instructionPointer === 0n &&
      this.dataPointer === 0n &&
      registers.every(({ significand, signExponent }) => significand === 0n && signExponent === 0)
    );
  }

  forgetPointers(): void {
    this.opcode = 0;
    this.instructionPointer = 0n;
    this.dataPointer = 0n;
  }

  // The stack.

  physical(number: number): F80 {
    const at = OFFSET.x87 + 16 * number;
    return {
      significand: this.#view.getBigUint64(at, true),
      signExponent: this.#view.getUint16(at + 8, true),
    };
  }

  setPhysical(number: number, { significand, signExponent }: F80): void {
    const at = OFFSET.x87 + 16 * number;
    this.#view.setBigUint64(at, significand, true);
    this.#view.setUint16(at + 8, signExponent, true);
  }

  /** What ST(i) holds, also when it is empty. */
  st(index: number): F80 {
    return this.physical((this.top + index) & 7);
  }

  setSt(index: number, value: F80): void {
    const number = (this.top + index) & 7;
    this.setPhysical(number, value);
    this.#tags &= ~(EMPTY << (2 * number));
  }

  /** ST(-1) is where a push goes. */
  isEmpty(index: number): boolean {
    return this.#isEmpty((this.top + index) & 7);
  }

  free(index: number): void {
    this.#tags |= EMPTY << (2 * ((this.top + index) & 7));
  }

  rotate(by: 1 | -1): void {
    const top = (this.top + by) & 7;
    this.status = (this.status & ~TOP) | (top << TOP_SHIFT);
  }

  push(value: F80): void {
    this.rotate(-1);
    this.setSt(0, value);
  }

  pop(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.free(0);
      this.rotate(1);
    }
  }

  /** What every MMX instruction but EMMS does: SDM Vol. 1, "MMX Instructions and the x87 FPU Tag Word". */
  enterMmx(): void {
    this.status &= ~TOP;
    this.#tags = 0;
  }

  // Exceptions.

  /** An unmasked exception is pending. */
  get isPending(): boolean {
    return (this.status & SUMMARY) !== 0;
  }

  setConditions(mask: number, value: number): void {
    this.status = (this.status & ~mask) | (value & mask);
  }

  raise(flags: number): void {
    if (flags !== 0) this.status |= flags;
  }

  /** FNCLEX. */
  clearExceptions(): void {
    this.status &= ~(EXCEPTIONS | STACK_FAULT);
  }

  /** Raises what an operation has raised, tells in C1 how it was rounded, and commits what it stores. */
  complete(result: Pick<Outcome<unknown>, "flags" | "roundedUp" | "stored">, commit: () => void) {
    this.setConditions(C1, result.roundedUp ? C1 : 0);
    this.raise(result.flags);
    if (result.stored) commit();
  }

  /** An empty operand, or a register that is not empty where a push would go; `masked` is the response to it. */
  stackFault(kind: "underflow" | "overflow", masked: () => void): void {
    this.setConditions(C1, kind === "overflow" ? C1 : 0);
    this.raise(IE | STACK_FAULT);
    if ((this.control & IE) !== 0) masked();
  }

  // Inside.

  get #tags(): number {
    return this.#view.getUint16(OFFSET.x87Tag, true);
  }

  set #tags(value: number) {
    this.#view.setUint16(OFFSET.x87Tag, value, true);
  }

  #isEmpty(number: number): boolean {
    return ((this.#tags >> (2 * number)) & 3) === EMPTY;
  }

  #summarize(): void {
    const status = this.status & ~SUMMARY;
    const isPending = (status & ~this.control & EXCEPTIONS) !== 0;
    this.#view.setUint16(OFFSET.x87Status, isPending ? status | SUMMARY : status, true);
    if (isPending) return;
    const wires = this.#view.getUint8(OFFSET.x87Wires);
    this.#view.setUint8(OFFSET.x87Wires, wires & ~WIRES.FERR);
  }
}

/** Valid, zero, or special: NaN, infinity, denormal, unsupported. */
function classOf({ signExponent, significand }: F80): number {
  const exponent = signExponent & 0x7fff;
  if (exponent === 0) return significand === 0n ? 1 : 2;
  return exponent === 0x7fff || significand < 1n << 63n ? 2 : 0;
}
