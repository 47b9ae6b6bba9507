/**
 * A virtual CPU. Its registers lie in a block of their own, in the form of a CPU's, while user space or the module
 * works on them, and else in the hardware: control block and CPU. Linux, include/linux/kvm_host.h, struct kvm_vcpu.
 */

import type { HaltState } from "./halt-polling.ts";
import type { ApicOwner } from "../hw/boards/apic-bus.ts";
import { readSlot } from "../hw/cpu/msr/slots.ts";
import { powerUp } from "../hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState, PENDING } from "../hw/cpu/state.ts";
import { RDX } from "../hw/cpu/system.ts";
import type { HostCpu } from "../linux/host-cpu.ts";
import type { OpenFile } from "../linux/kernel.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { CpuidEntry } from "./cpuid.ts";
import type { DeviceData, DeviceRead } from "./emulate.ts";
import {
  exceptionsOf,
  type GuestDebug,
  keepingDebugRegisters,
  NOT_DEBUGGED,
  withDebugRegisters,
} from "./guest-debug.ts";
import type { WaitingInput } from "./exits/port.ts";
import { type KvmRun, newRun } from "./ioctls/kvm-run.ts";
import { offerEoi } from "./pv/eoi.ts";
import { updateClock } from "./pv/kvmclock.ts";
import { initialPv, type PvState } from "./pv/state.ts";
import { recordSteal } from "./pv/steal-time.ts";
import { VcpuDevices } from "./vcpu-devices.ts";
import { VcpuEnvironment } from "./vcpu-environment.ts";
import type { Vm } from "./vm.ts";
import type { Exit, Hosted, PendingEvent, Windows } from "./x86/ops.ts";
import { SwappedBlock } from "./x86/swapped.ts";

/** RDX of a CPU whose CPUID is not set yet. */
const SIGNATURE = 0x600n;
/** Of the counters of hosts. */
export const TSC_KHZ = 1_000_000;

/** KVM_MP_STATE_*, as their numbers are. */
export const MP_STATE = { runnable: 0, uninitialized: 1, initReceived: 2, halted: 3 } as const;

export interface VcpuParts
  extends Omit<Hosted, "registers" | "swapped" | "exceptions" | "isLogging"> {
  readonly id: number;
  /** Its place among those of the VM. */
  readonly index: number;
}

/** All of its state but registers and what it shares with user space. */
interface VcpuState {
  cpuid: readonly CpuidEntry[];
  /** What user space has said of the guest's counter. */
  tscKhz: number;
  guestDebug: GuestDebug;
  /** An instruction is over that user space steps. */
  isStepped: boolean;
  /** KVM_RUN has begun and not come to its end; the thread that is in it, or -1. */
  isRunning: boolean;
  runner: number;
  hasRun: boolean;
  /** MP_STATE. */
  mpState: number;
  /** The thread that sleeps in KVM_RUN, or -1. */
  sleeper: number;
  /** The thread does not go on before this cycle. */
  heldUntil: number;
  halt: HaltState;
  /** The event of the next entry. */
  pending: PendingEvent | null;
  /** The exit that nobody has looked at yet. */
  exit: Exit | null;
  /** What devices have answered to the instruction that waits, what it waits for, and what is still to be written to them. */
  answers: readonly DeviceData[];
  waiting: DeviceRead | null;
  /** The IN that user space has to give a value to. */
  input: WaitingInput | null;
  writes: readonly DeviceData[];
  /** Numbers of CPUs, or -1. */
  cpu: number;
  lastCpu: number;
  isInHardware: boolean;
  isStale: boolean;
  pv: PvState;
}

const NONE = -1;

const initialState = (mpState: number): VcpuState => ({
  cpuid: [],
  tscKhz: TSC_KHZ,
  guestDebug: NOT_DEBUGGED,
  isStepped: false,
  isRunning: false,
  runner: NONE,
  hasRun: false,
  mpState,
  sleeper: NONE,
  heldUntil: 0,
  halt: { since: null, pollNs: 0 },
  pending: null,
  exit: null,
  answers: [],
  waiting: null,
  input: null,
  writes: [],
  cpu: NONE,
  lastCpu: NONE,
  isInHardware: false,
  isStale: true,
  pv: initialPv(),
});

export class Vcpu implements OpenFile, Hosted, ApicOwner {
  readonly vm: Vm;
  readonly id: number;
  readonly index: number;
  readonly control: number;
  readonly tag: number;
  readonly root: number;
  readonly hasApic: boolean;
  readonly log: number;
  readonly registers = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  readonly swapped = new SwappedBlock(this.registers);
  readonly environment: VcpuEnvironment;
  readonly devices: VcpuDevices;
  readonly #state: Cell<VcpuState>;
  readonly #run: Cell<KvmRun>;

  constructor(vm: Vm, { id, index, control, tag, root, log, hasApic }: VcpuParts) {
    this.vm = vm;
    this.id = id;
    this.index = index;
    this.control = control;
    this.tag = tag;
    this.root = root;
    this.log = log;
    this.hasApic = hasApic;
    this.environment = new VcpuEnvironment(this);
    this.devices = new VcpuDevices(this);
    const { registry } = vm.world;
    const name = `${vm.name}.vcpu${id}`;
    registry.array(`${name}.registers`, this.registers.bytes());
    this.#run = registry.plain(`${name}.run`, newRun());
    // Only the first starts by itself; the others wait for their INIT.
    const waits = hasApic && id !== 0;
    this.#state = registry.plain(
      name,
      initialState(waits ? MP_STATE.uninitialized : MP_STATE.runnable),
    );
    vm.kvm.ops.create(this);
    powerUp(this.registers, this.environment);
    this.registers.setGpr(RDX, SIGNATURE);
  }

  get state(): VcpuState {
    return this.#state.value;
  }

  /** What mmap(2) of its descriptor shows. */
  get run(): KvmRun {
    return this.#run.value;
  }

  get exceptions(): number {
    return exceptionsOf(this.state.guestDebug);
  }

  /** The CPU that it is on. */
  get cpu(): HostCpu | null {
    return this.vm.kvm.host.cpus[this.state.cpu] ?? null;
  }

  get isLogging(): boolean {
    return this.vm.mmu.slots.areLogging;
  }

  /** Pages that its CPU has logged, and that are in no bitmap yet. */
  get logged(): readonly number[] {
    const { cpu } = this;
    return cpu === null ? [] : this.vm.kvm.ops.logged(cpu, this);
  }

  loadOn(cpu: HostCpu): void {
    const { state } = this;
    const isNew = state.lastCpu !== cpu.number;
    state.cpu = cpu.number;
    state.lastCpu = cpu.number;
    state.pv.isStealDue = true;
    // What another CPU has cached since then may be older than a flush.
    if (isNew) state.isStale = true;
    this.vm.kvm.ops.load(cpu, this, isNew);
  }

  putFrom(cpu: HostCpu): void {
    this.#leave(cpu);
    this.toRegisters(cpu);
    this.vm.kvm.ops.put(cpu, this);
    this.state.cpu = NONE;
  }

  enter(cpu: HostCpu, windows: Windows): void {
    recordSteal(this);
    updateClock(this, cpu.state.cycles);
    offerEoi(this);
    const { ops } = this.vm.kvm;
    const { state } = this;
    if (!state.isInHardware)
      withDebugRegisters(this.registers, state.guestDebug, () => ops.store(cpu, this));
    state.isInHardware = true;
    const { pending: event, isStale: flush } = state;
    state.pending = null;
    state.isStale = false;
    state.hasRun = true;
    state.exit = ops.enter(cpu, this, { event, flush, windows });
  }

  /** Behind the exit of a guest. */
  left(cpu: HostCpu): void {
    const { ops } = this.vm.kvm;
    this.state.exit = ops.exit(cpu, this);
    this.#takeLog(cpu);
    this.vm.mmu.locks.compare();
  }

  toRegisters(cpu: HostCpu): void {
    const { state } = this;
    if (state.isInHardware)
      keepingDebugRegisters(this.registers, state.guestDebug, () =>
        this.vm.kvm.ops.fetch(cpu, this),
      );
    state.isInHardware = false;
  }

  /** Its translations are not used any more when this returns. */
  flush(): void {
    this.state.isStale = true;
    this.sync();
  }

  /** It is not in the guest when this returns, and what its CPU has logged is in the bitmaps. */
  sync(): void {
    const { cpu } = this;
    if (cpu !== null) this.#leave(cpu);
  }

  /** There is something for it to look at: Linux, virt/kvm/kvm_main.c, kvm_vcpu_kick. */
  kick(): void {
    const { state } = this;
    const { sleeper } = state;
    state.sleeper = NONE;
    if (sleeper === NONE) this.interrupt();
    else this.vm.kvm.host.scheduler.wake(sleeper);
  }

  /** It is to leave the guest soon, and comes back with what is due. */
  interrupt(): void {
    const { cpu } = this;
    if (cpu?.state.isGuest === true) cpu.isWanted = true;
  }

  // What its local APIC has for it.

  get timeStampOffset(): bigint {
    return readSlot(this.registers, "TSC offset");
  }

  showTaskPriority(value: number): void {
    this.registers.setControl("CR8", BigInt(value));
  }

  signal(event: "nmi" | "init"): void {
    this.registers.pending |= PENDING[event];
    this.kick();
  }

  startup(vector: number): void {
    this.registers.pending = (this.registers.pending & 0xff) | PENDING.sipi | (vector << 8);
    this.kick();
  }

  release(): void {
    this.vm.kvm.put(this);
    this.vm.release();
  }

  destroy(): void {
    const { kvm } = this.vm;
    kvm.closed(this);
    kvm.giveTag(this.tag);
    kvm.host.frames.put(this.control);
    if (this.log !== 0) kvm.host.frames.put(this.log);
  }

  #takeLog(cpu: HostCpu): void {
    const { logged } = this;
    if (logged.length === 0) return;
    for (const gfn of logged) this.vm.markDirty(gfn);
    this.vm.kvm.ops.emptyLog(cpu);
  }

  #leave(cpu: HostCpu): void {
    if (!cpu.state.isGuest) return;
    cpu.expel();
    this.left(cpu);
  }
}
