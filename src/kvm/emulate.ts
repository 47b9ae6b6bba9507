/**
 * An instruction of a guest carried out in its stead, by the CPU's own semantics: the reference evaluator over the
 * registers of the vCPU and the guest's memory. Where a device has to answer, the instruction is put off, user space
 * asked, and the instruction done anew with what it answered; what is written to devices waits in a queue. Linux,
 * arch/x86/kvm/x86.c, x86_emulate_instruction.
 */

import type { Decoder } from "../hw/cpu/decode.ts";
import type { AccessSize } from "../hw/chips/socket.ts";
import { BareEnvironment, type Environment } from "../hw/cpu/environment.ts";
import type { PhysicalMemory } from "../hw/cpu/physical-memory.ts";
import { ReferenceCpu } from "../hw/cpu/reference.ts";
import { type CpuState, STATE_BYTES } from "../hw/cpu/state.ts";
import { afterInstruction, exceptionOf } from "./events.ts";
import { GuestMemory, type GuestPhysical } from "./guest-memory.ts";
import type { PendingEvent } from "./x86/ops.ts";

/** A part of an access to a device: at most 8 bytes of memory, or at most 4 of a port. */
export interface DeviceAccess {
  readonly space: "memory" | "port";
  readonly address: number;
  readonly size: number;
}

export interface DeviceRead extends DeviceAccess {
  readonly write: false;
}

/** With the value; of an answer, what was read. */
export interface DeviceData extends DeviceAccess {
  readonly write: boolean;
  readonly value: bigint;
}

/** Where instructions find memory; see GuestPhysical. */
export type FindMemory = (address: number, write: boolean) => number | null;

export type Outcome =
  /** Carried out; `writes` go to devices, `stale`: translations have to be flushed, and the trap of a single step follows. */
  | {
      readonly is: "done";
      readonly writes: readonly DeviceData[];
      readonly stale: boolean;
      readonly event: PendingEvent | null;
    }
  /** Nothing has changed: this has to be read first. `used`: the answers that were asked for before. */
  | { readonly is: "waits"; readonly read: DeviceRead; readonly used: readonly DeviceData[] }
  /** Nothing has changed but what the event says. */
  | { readonly is: "raises"; readonly event: PendingEvent }
  | { readonly is: "impossible" };

/** Devices as one instruction sees them. */
class Devices extends BareEnvironment implements GuestPhysical {
  readonly writes: DeviceData[] = [];
  wanted: DeviceRead | null = null;
  readonly #answers: DeviceData[];
  readonly #find: FindMemory;
  readonly #around: Environment;
  readonly #inKernel: InKernel;
  #next = 0;

  constructor({ environment, answers, find, inKernel }: Emulated) {
    super(environment.profile);
    this.#around = environment;
    this.#inKernel = inKernel;
    this.#answers = [...answers];
    this.#find = find;
  }

  override readMsr(number: number): bigint | null {
    return this.#around.readMsr(number);
  }

  override writeMsr(number: number, value: bigint): boolean {
    return this.#around.writeMsr(number, value);
  }

  override apicBaseChanged(value: bigint): void {
    this.#around.apicBaseChanged(value);
  }

  override taskPriorityChanged(value: number): void {
    this.#around.taskPriorityChanged(value);
  }

  override timeStampCounterMoved(): void {
    this.#around.timeStampCounterMoved();
  }

  get used(): readonly DeviceData[] {
    return this.#answers.slice(0, this.#next);
  }

  get isWaiting(): boolean {
    return this.wanted !== null;
  }

  place(address: number, write: boolean): number | null {
    return this.#find(address, write);
  }

  read(address: number, size: number): bigint | null {
    return this.#ask({ space: "memory", address, size, write: false });
  }

  write(address: number, size: number, value: bigint): void {
    this.writes.push({ space: "memory", address, size, write: true, value });
  }

  override readPort(address: number, size: number): number {
    return Number(this.#ask({ space: "port", address, size, write: false }) ?? 0n);
  }

  override writePort(address: number, size: number, value: number): void {
    this.writes.push({ space: "port", address, size, write: true, value: BigInt(value >>> 0) });
  }

  #ask(read: DeviceRead): bigint | null {
    if (this.wanted !== null) return null;
    const answer = this.#answers[this.#next];
    const isAnswered =
      answer?.space === read.space && answer.address === read.address && answer.size === read.size;
    if (isAnswered) {
      this.#next += 1;
      return answer.value;
    }
    const value = readInKernel(this.#inKernel, read);
    if (value === null) {
      this.wanted = read;
      return null;
    }
    // Done once, also when the instruction is done anew for another answer.
    this.#answers.splice(this.#next, Infinity, { ...read, value });
    this.#next += 1;
    return value;
  }
}

/** Devices of the module; null, and false, when an address or a port is none of theirs. */
export interface InKernel {
  readPort(port: number, size: AccessSize): number | null;
  writePort(port: number, size: AccessSize, value: number): boolean;
  readMemory(address: number, size: number): bigint | null;
  writeMemory(address: number, size: number, value: bigint): boolean;
}

function readInKernel(devices: InKernel, { space, address, size }: DeviceRead): bigint | null {
  if (space === "memory") return devices.readMemory(address, size);
  const value = devices.readPort(address, size as AccessSize);
  return value === null ? null : BigInt(value >>> 0);
}

/** False when user space has to be told. */
export function writeInKernel(
  devices: InKernel,
  { space, address, size, value }: DeviceData,
): boolean {
  return space === "memory"
    ? devices.writeMemory(address, size, value)
    : devices.writePort(address, size as AccessSize, Number(value));
}

export interface Emulated {
  readonly state: CpuState;
  readonly environment: Environment;
  readonly inKernel: InKernel;
  readonly decoder: Decoder;
  readonly physical: PhysicalMemory;
  readonly find: FindMemory;
  /** What devices have answered to this instruction so far. */
  readonly answers: readonly DeviceData[];
}

/** Registers before the instruction, while it is carried out. */
const before = new Uint8Array(STATE_BYTES);

/** One instruction at RIP, or one iteration of a repeated one. */
export function emulate(given: Emulated): Outcome {
  const { state, environment, decoder, physical } = given;
  const devices = new Devices(given);
  const memory = new GuestMemory(state, environment.profile, physical, devices);
  before.set(state.bytes());
  const { pendingDebug } = state;
  const trap = afterInstruction(state);
  const fault = new ReferenceCpu({ state, decoder, memory, environment: devices }).step();
  const { wanted, writes } = devices;
  if (fault === null && wanted === null)
    return { is: "done", writes, stale: memory.isStale, event: trap?.(state) ?? null };
  const isRaised = wanted === null && fault !== null && fault.exit === undefined;
  if (isRaised) {
    // What the manual leaves of an instruction that faults stays, as the flags of MXCSR.
    state.pendingDebug = pendingDebug;
    return { is: "raises", event: exceptionOf(state, fault) };
  }
  state.bytes().set(before);
  return wanted === null ? { is: "impossible" } : { is: "waits", read: wanted, used: devices.used };
}
