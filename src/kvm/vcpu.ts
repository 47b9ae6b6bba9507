/**
 * A virtual CPU. Its registers lie in a block of their own, in the form of a CPU's, while user space or the module
 * works on them, and else in the hardware: control block and CPU. Linux, include/linux/kvm_host.h, struct kvm_vcpu.
 */

import { powerUp } from "../hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState } from "../hw/cpu/state.ts";
import { RDX } from "../hw/cpu/system.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { OpenFile } from "../linux/task.ts";
import type { CpuidEntry } from "./cpuid.ts";
import type { DeviceData, DeviceRead } from "./emulate.ts";
import { type KvmRun, newRun } from "./kvm-run.ts";
import type { Vm } from "./vm.ts";
import type { Exit, Hosted, PendingEvent } from "./x86/ops.ts";

/** RDX of a CPU whose CPUID is not set yet. */
const SIGNATURE = 0x600n;

export interface VcpuParts extends Omit<Hosted, "registers" | "isLogging"> {
  readonly id: number;
}

export class Vcpu implements OpenFile, Hosted {
  readonly vm: Vm;
  readonly id: number;
  readonly control: number;
  readonly tag: number;
  readonly root: number;
  readonly log: number;
  readonly registers = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  readonly run: KvmRun = newRun();
  cpuid: readonly CpuidEntry[] = [];
  /** KVM_RUN has begun and not come to its end. */
  isRunning = false;
  hasRun = false;
  /** The event of the next entry. */
  pending: PendingEvent | null = null;
  /** The exit that nobody has looked at yet. */
  exit: Exit | null = null;
  /** What devices have answered to the instruction that waits, what it waits for, and what is still to be written to them. */
  answers: readonly DeviceData[] = [];
  waiting: DeviceRead | null = null;
  writes: readonly DeviceData[] = [];
  #cpu: HostCpu | null = null;
  #lastCpu: number | null = null;
  #isInHardware = false;
  #isStale = true;

  constructor(vm: Vm, { id, control, tag, root, log }: VcpuParts) {
    this.vm = vm;
    this.id = id;
    this.control = control;
    this.tag = tag;
    this.root = root;
    this.log = log;
    vm.kvm.ops.create(this);
    powerUp(this.registers, vm.kvm.environment);
    this.registers.setGpr(RDX, SIGNATURE);
  }

  /** The CPU that it is on. */
  get cpu(): HostCpu | null {
    return this.#cpu;
  }

  get isLogging(): boolean {
    return this.vm.mmu.slots.areLogging;
  }

  /** Pages that its CPU has logged, and that are in no bitmap yet. */
  get logged(): readonly number[] {
    return this.#cpu === null ? [] : this.vm.kvm.ops.logged(this.#cpu, this);
  }

  get isInGuest(): boolean {
    return this.#cpu?.state.isGuest === true;
  }

  loadOn(cpu: HostCpu): void {
    const isNew = this.#lastCpu !== cpu.number;
    this.#cpu = cpu;
    this.#lastCpu = cpu.number;
    // What another CPU has cached since then may be older than a flush.
    if (isNew) this.#isStale = true;
    this.vm.kvm.ops.load(cpu, this, isNew);
  }

  putFrom(cpu: HostCpu): void {
    this.#leave(cpu);
    this.toRegisters(cpu);
    this.vm.kvm.ops.put(cpu, this);
    this.#cpu = null;
  }

  enter(cpu: HostCpu): void {
    const { ops } = this.vm.kvm;
    if (!this.#isInHardware) ops.store(cpu, this);
    this.#isInHardware = true;
    const { pending } = this;
    this.pending = null;
    const isStale = this.#isStale;
    this.#isStale = false;
    this.hasRun = true;
    this.exit = ops.enter(cpu, this, pending, isStale);
  }

  /** Behind the exit of a guest. */
  left(cpu: HostCpu): void {
    const { ops } = this.vm.kvm;
    this.exit = ops.exit(cpu, this);
    const { logged } = this;
    if (logged.length === 0) return;
    for (const gfn of logged) this.vm.markDirty(gfn);
    ops.emptyLog(cpu);
  }

  toRegisters(cpu: HostCpu): void {
    if (this.#isInHardware) this.vm.kvm.ops.fetch(cpu, this);
    this.#isInHardware = false;
  }

  /** Its translations are not used any more when this returns. */
  flush(): void {
    this.#isStale = true;
    this.sync();
  }

  /** It is not in the guest when this returns, and what its CPU has logged is in the bitmaps. */
  sync(): void {
    if (this.#cpu !== null) this.#leave(this.#cpu);
  }

  release(): void {
    this.vm.kvm.put(this);
    this.vm.release();
  }

  destroy(): void {
    const { kvm } = this.vm;
    kvm.put(this);
    kvm.giveTag(this.tag);
    kvm.host.frames.put(this.control);
    if (this.log !== 0) kvm.host.frames.put(this.log);
  }

  #leave(cpu: HostCpu): void {
    if (!cpu.state.isGuest) return;
    cpu.expel();
    this.left(cpu);
  }
}
