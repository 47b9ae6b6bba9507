/**
 * The current VMCS as the CPU holds it: SDM Vol. 3, "Virtual Machine Control Structures". Its data is inside the CPU from
 * VMPTRLD until VMCLEAR or VMPTRLD of another, as the manual allows: what software reads or writes in the region
 * meanwhile is stale or lost. A region begins with revision identifier and VMX-abort indicator; the data follows.
 */

import type { PhysicalMemory } from "../physical-memory.ts";
import { type CpuState, OFFSET } from "../state.ts";
import { DATA_BYTES, type Field, LAUNCH_STATE } from "./fields.ts";

/** Bits 30 to 0 of IA32_VMX_BASIC. */
export const REVISION = 0x6b76_6d01;
export const REGION_BYTES = 4096;
const ABORT_INDICATOR = 4;
const DATA_IN_REGION = 8;

const TWO_32 = 2 ** 32;

/** State of VMX beside the VMCS data, in bytes from the start. */
const OWN = {
  /** 1 in VMX operation. */
  operation: 0,
  /** FLAG below. */
  flags: 4,
  /** Doubles: the VMXON pointer, and the current-VMCS pointer, -1 when there is none. */
  vmxon: 8,
  current: 16,
  /** Doubles, in cycles: when the VMX-preemption timer expires, the last PAUSE of a loop and the first. */
  deadline: 24,
  lastPause: 32,
  firstPause: 40,
  /** The event to inject at the next boundary: interruption information, error code, instruction length. */
  injection: 48,
  injectionError: 52,
  injectionLength: 56,
  data: 64,
} as const;

/** Where the VMCS data lies in a CPU's block. */
export const VMCS_DATA = OFFSET.virtualization + OWN.data;

/** What waits for the next boundary of the guest. */
export const FLAG = { monitorTrap: 1, tprBelowThreshold: 2 } as const;

export class Vmcs {
  /** All of VMX's state. */
  readonly bytes: Uint8Array;
  /** The VMCS data: by byte, and by words of 32 bits. */
  readonly data: DataView;
  readonly words: Uint32Array;
  readonly #dataBytes: Uint8Array;
  readonly #own: DataView;
  readonly #memory: PhysicalMemory;

  constructor(memory: PhysicalMemory, { view: { buffer }, block }: CpuState) {
    const at = block + OFFSET.virtualization;
    this.bytes = new Uint8Array(buffer, at, OWN.data + DATA_BYTES);
    this.data = new DataView(buffer, block + VMCS_DATA, DATA_BYTES);
    this.words = new Uint32Array(buffer, block + VMCS_DATA, DATA_BYTES / 4);
    this.#dataBytes = new Uint8Array(buffer, block + VMCS_DATA, DATA_BYTES);
    this.#own = new DataView(buffer, at, OWN.data);
    this.#memory = memory;
    this.reset();
  }

  /** Outside VMX operation. */
  reset(): void {
    this.bytes.fill(0);
    this.current = NO_VMCS;
    this.deadline = Infinity;
  }

  get isOperating(): boolean {
    return this.#own.getUint32(OWN.operation, true) !== 0;
  }

  set isOperating(value: boolean) {
    this.#own.setUint32(OWN.operation, value ? 1 : 0, true);
  }

  /** Bits of FLAG. */
  get flags(): number {
    return this.#own.getUint32(OWN.flags, true);
  }

  set flags(value: number) {
    this.#own.setUint32(OWN.flags, value, true);
  }

  get vmxon(): number {
    return this.#own.getFloat64(OWN.vmxon, true);
  }

  set vmxon(value: number) {
    this.#own.setFloat64(OWN.vmxon, value, true);
  }

  /** The current-VMCS pointer, or NO_VMCS. */
  get current(): number {
    return this.#own.getFloat64(OWN.current, true);
  }

  set current(value: number) {
    this.#own.setFloat64(OWN.current, value, true);
  }

  get deadline(): number {
    return this.#own.getFloat64(OWN.deadline, true);
  }

  set deadline(value: number) {
    this.#own.setFloat64(OWN.deadline, value, true);
  }

  get lastPause(): number {
    return this.#own.getFloat64(OWN.lastPause, true);
  }

  set lastPause(value: number) {
    this.#own.setFloat64(OWN.lastPause, value, true);
  }

  get firstPause(): number {
    return this.#own.getFloat64(OWN.firstPause, true);
  }

  set firstPause(value: number) {
    this.#own.setFloat64(OWN.firstPause, value, true);
  }

  /** Interruption information of the event that waits to be injected; 0 when there is none. */
  get injection(): number {
    return this.#own.getUint32(OWN.injection, true);
  }

  get injectionError(): number {
    return this.#own.getUint32(OWN.injectionError, true);
  }

  get injectionLength(): number {
    return this.#own.getUint32(OWN.injectionLength, true);
  }

  setInjection(information: number, errorCode: number, length: number): void {
    this.#own.setUint32(OWN.injection, information, true);
    this.#own.setUint32(OWN.injectionError, errorCode, true);
    this.#own.setUint32(OWN.injectionLength, length, true);
  }

  get isLaunched(): boolean {
    return this.words[LAUNCH_STATE] !== 0;
  }

  set isLaunched(value: boolean) {
    this.words[LAUNCH_STATE] = value ? 1 : 0;
  }

  /** Makes a VMCS current: its data comes from memory, unless it is there already. */
  load(address: number): void {
    if (address === this.current) return;
    this.flush();
    this.#memory.load(address + DATA_IN_REGION, this.#dataBytes);
    this.current = address;
  }

  /** Writes the data of the current VMCS to its region. */
  flush(): void {
    const { current } = this;
    if (current !== NO_VMCS) this.#memory.store(current + DATA_IN_REGION, this.#dataBytes);
  }

  /** VMCLEAR: the data goes to memory, and the launch state is clear. */
  clear(address: number): void {
    if (address === this.current) {
      this.isLaunched = false;
      this.flush();
      this.current = NO_VMCS;
    } else {
      this.#memory.write32(address + DATA_IN_REGION + 4 * LAUNCH_STATE, 0);
    }
  }

  /** The VMX-abort indicator of the current VMCS. */
  abort(indicator: number): void {
    this.#memory.write32(this.current + ABORT_INDICATOR, indicator);
  }

  // Fields.

  read({ place, width }: Field, high = false): bigint {
    const low = this.words[place >> 2] as number;
    if (width === "16-bit") return BigInt(low & 0xffff);
    if (width === "32-bit") return BigInt(low);
    if (high) return BigInt(this.words[(place >> 2) + 1] as number);
    return this.data.getBigUint64(place, true);
  }

  write({ place, width }: Field, value: bigint, high = false): void {
    if (width === "16-bit") this.words[place >> 2] = Number(value & 0xffffn);
    else if (width === "32-bit") this.words[place >> 2] = Number(BigInt.asUintN(32, value));
    else if (high) this.words[(place >> 2) + 1] = Number(BigInt.asUintN(32, value));
    else this.data.setBigUint64(place, value, true);
  }

  /** A physical address that a field of 64 bits holds, by its word; exact below 2^53. */
  address(word: number): number {
    return (this.words[word] as number) + (this.words[word + 1] as number) * TWO_32;
  }

  setAddress(word: number, value: number): void {
    this.words[word] = value % TWO_32;
    this.words[word + 1] = Math.floor(value / TWO_32);
  }
}

/** The current-VMCS pointer when no VMCS is current. */
export const NO_VMCS = -1;
