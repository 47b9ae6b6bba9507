/**
 * The clock of a VM's guests: nanoseconds since its creation, told by the time-stamp counter and a structure in the
 * guest's memory that says what the counter means. Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW,
 * MSR_KVM_WALL_CLOCK_NEW; timekeeping.rst.
 */

import { readSlot } from "../../hw/cpu/msr/slots.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { changeGuest, nextVersion } from "./guest-area.ts";

interface ClockState {
  /** What is added to the cycles of the host. */
  offset: bigint;
  /** MSR_KVM_WALL_CLOCK_NEW. */
  wallClock: bigint;
  /** The first vCPU uses the older MSR, whose guests know nothing of stable counters. */
  isOld: boolean;
}

const NS_PER_S = 1_000_000_000n;
const ENABLED = 1n;
/** struct pvclock_wall_clock, struct pvclock_vcpu_time_info. */
const WALL_CLOCK = { size: 12, version: 0, sec: 4, nsec: 8 };
const TIME_INFO = {
  size: 32,
  version: 0,
  tscTimestamp: 8,
  systemTime: 16,
  tscToSystemMul: 24,
  tscShift: 28,
  flags: 29,
};
const FLAGS = { TSC_STABLE: 1, GUEST_STOPPED: 2 };
/** A tick is a nanosecond: it is doubled, multiplied, and the lower 32 bits fall away. */
const [MUL, SHIFT] = [0x8000_0000, 1];

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

export class KvmClock {
  readonly #vm: Vm;
  readonly #cell: Cell<ClockState>;

  constructor(vm: Vm, created: number) {
    this.#vm = vm;
    this.#cell = vm.world.registry.plain<ClockState>(`${vm.name}.clock`, {
      offset: -BigInt(created),
      wallClock: 0n,
      isOld: false,
    });
  }

  /** At so many cycles of the host. */
  at(cycles: number): bigint {
    return u64(BigInt(cycles) + this.#cell.value.offset);
  }

  set(value: bigint, cycles: number): void {
    this.#cell.value.offset = value - BigInt(cycles);
    this.changed();
  }

  /** Nanoseconds since 1970. */
  realTime(cycles: number): bigint {
    return BigInt(this.#vm.kvm.host.date) * NS_PER_S + BigInt(cycles);
  }

  get wallClock(): bigint {
    return this.#cell.value.wallClock;
  }

  /** All vCPUs have the same counter: what one of them reads is not before what another has read. */
  get isStable(): boolean {
    const [first, ...others] = this.#vm.vcpus.map(({ timeStampOffset }) => timeStampOffset);
    return first !== undefined && !this.#cell.value.isOld && others.every((one) => one === first);
  }

  /** What the guests have been told is not so any more. */
  changed(): void {
    for (const vcpu of this.#vm.vcpus) {
      vcpu.state.pv.isClockDue = true;
      vcpu.interrupt();
    }
  }

  /** Tells the guest, once, what time it was on the wall when its clock began. */
  writeWallClock(address: bigint): void {
    this.#cell.value.wallClock = address;
    if (address === 0n) return;
    const began = u64(this.realTime(0) - this.#cell.value.offset);
    changeGuest(this.#vm, address, WALL_CLOCK.size, (view) => {
      view.setUint32(WALL_CLOCK.version, nextVersion(view.getUint32(0, true)), true);
      view.setUint32(WALL_CLOCK.sec, Number(BigInt.asUintN(32, began / NS_PER_S)), true);
      view.setUint32(WALL_CLOCK.nsec, Number(began % NS_PER_S), true);
    });
  }

  /** Where the vCPU finds its clock. The guest's choice of MSR counts, and not that of user space. */
  writeSystemTime(vcpu: Vcpu, value: bigint, isOld: boolean): void {
    const { pv, isRunning } = vcpu.state;
    pv.systemTime = value;
    pv.isClockDue = true;
    const { isOld: before } = this.#cell.value;
    if (vcpu.id !== 0 || !isRunning || isOld === before) return;
    this.#cell.value.isOld = isOld;
    this.changed();
  }
}

export const hasClock = ({ state: { pv } }: Vcpu): boolean => (pv.systemTime & ENABLED) !== 0n;

/** Before an entry. */
export function updateClock(vcpu: Vcpu, cycles: number): void {
  const { vm, state } = vcpu;
  const { pv } = state;
  if (!pv.isClockDue) return;
  pv.isClockDue = false;
  if (!hasClock(vcpu)) return;
  const counter = u64(BigInt(cycles) + readSlot(vcpu.registers, "TSC offset"));
  const flags =
    (vm.clock.isStable ? FLAGS.TSC_STABLE : 0) | (pv.isStopped ? FLAGS.GUEST_STOPPED : 0);
  pv.isStopped = false;
  changeGuest(vm, pv.systemTime & ~ENABLED, TIME_INFO.size, (view) => {
    view.setUint32(TIME_INFO.version, nextVersion(view.getUint32(0, true)), true);
    view.setBigUint64(TIME_INFO.tscTimestamp, counter, true);
    view.setBigUint64(TIME_INFO.systemTime, vm.clock.at(cycles), true);
    view.setUint32(TIME_INFO.tscToSystemMul, MUL, true);
    view.setInt8(TIME_INFO.tscShift, SHIFT);
    // The guest takes the news of its stop away itself.
    const kept = view.getUint8(TIME_INFO.flags) & FLAGS.GUEST_STOPPED;
    view.setUint8(TIME_INFO.flags, flags | kept);
  });
}
