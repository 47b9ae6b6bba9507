/** What a guest asks of the module by VMCALL or VMMCALL: Linux, Documentation/virt/kvm/x86/hypercalls.rst. */

import { ipi } from "../../hw/chips/lapic-icr.ts";
import { deliver } from "../../hw/chips/lapic-bus.ts";
import { isSoftwareEnabled, isX2apic, isXapic, type Lapic, xapicId } from "../../hw/chips/lapic.ts";
import { is64Bit } from "../../hw/cpu/mode.ts";
import { readSlot } from "../../hw/cpu/msr/slots.ts";
import { ERRNO } from "../../linux/errno.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { FEATURE, hasFeature } from "./features.ts";
import { writeGuest } from "./guest-area.ts";

/** Numbers of registers: arguments are in RBX, RCX, RDX and RSI. */
const [RAX, ARGUMENTS] = [0, [3, 1, 2, 6]] as const;
/** KVM_ENOSYS, KVM_EPERM, KVM_EFAULT, KVM_EINVAL, KVM_EOPNOTSUPP. */
const ENOSYS = -1000n;
const EPERM = -1n;
const EFAULT = -BigInt(ERRNO.EFAULT);
const EINVAL = -BigInt(ERRNO.EINVAL);
const EOPNOTSUPP = -95n;

interface Call {
  readonly vcpu: Vcpu;
  readonly cpu: HostCpu;
  readonly isWide: boolean;
}

interface Hypercall {
  /** 0 where CPUID says nothing of it. */
  readonly feature: number;
  run(call: Call, a: bigint, b: bigint, c: bigint, d: bigint): bigint;
}

const CALLS: ReadonlyMap<number, Hypercall> = new Map<number, Hypercall>([
  /** KVM_HC_VAPIC_POLL_IRQ: the exit was all. */
  [1, { feature: 0, run: () => 0n }],
  /** KVM_HC_KICK_CPU. */
  [5, { feature: FEATURE.PV_UNHALT, run: ({ vcpu }, _flags, id) => kick(vcpu.vm, id) }],
  /** KVM_HC_CLOCK_PAIRING. */
  [9, { feature: 0, run: pairClocks }],
  /** KVM_HC_SEND_IPI. */
  [10, { feature: FEATURE.PV_SEND_IPI, run: sendIpi }],
  /** KVM_HC_SCHED_YIELD. */
  [11, { feature: FEATURE.PV_SCHED_YIELD, run: yieldTo }],
]);

/** Registers are where they can be changed; the answer goes to RAX. */
export function hypercall(vcpu: Vcpu, cpu: HostCpu): void {
  const { registers } = vcpu;
  const bits = is64Bit(registers) ? 64 : 32;
  const word = (register: number): bigint => BigInt.asUintN(bits, registers.gpr(register));
  const row = CALLS.get(Number(word(RAX)));
  const [a, b, c, d] = ARGUMENTS.map(word) as [bigint, bigint, bigint, bigint];
  const call = { vcpu, cpu, isWide: bits === 64 };
  let answer = ENOSYS;
  if (registers.cpl !== 0) answer = EPERM;
  else if (row !== undefined && (row.feature === 0 || hasFeature(vcpu, row.feature)))
    answer = row.run(call, a, b, c, d);
  registers.setGpr(RAX, BigInt.asUintN(bits, answer));
}

const apicIdOf = (apic: Readonly<Lapic>): number | null =>
  isX2apic(apic) ? apic.id : isXapic(apic) ? xapicId(apic) : null;

/** The vCPU whose local APIC, in the mode that it is in, has the ID. */
const withApicId = ({ irqchip, vcpus }: Vm, id: bigint): Vcpu | undefined =>
  irqchip === null
    ? undefined
    : vcpus.find(({ index }) => {
        const own = apicIdOf(irqchip.lapic(index).state);
        return own !== null && BigInt(own) === id;
      });

/** Ends the halt of a vCPU, whether its interrupt flag is set or not. */
function kick(vm: Vm, id: bigint): bigint {
  const target = withApicId(vm, BigInt.asUintN(32, id));
  if (target !== undefined) {
    target.state.pv.isKicked = true;
    target.kick();
  }
  return 0n;
}

/** struct kvm_clock_pairing: seconds, nanoseconds, the guest's counter, flags, and nothing more. */
const PAIRING_BYTES = 64;
const NS_PER_S = 1_000_000_000n;
const WALL_CLOCK = 0n;

function pairClocks({ vcpu, cpu }: Call, address: bigint, type: bigint): bigint {
  if (type !== WALL_CLOCK) return EOPNOTSUPP;
  const { cycles } = cpu.state;
  const now = vcpu.vm.clock.realTime(cycles);
  const bytes = new Uint8Array(PAIRING_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, now / NS_PER_S, true);
  view.setBigUint64(8, now % NS_PER_S, true);
  view.setBigUint64(16, BigInt(cycles) + readSlot(vcpu.registers, "TSC offset"), true);
  return writeGuest(vcpu.vm, address, bytes) ? 0n : EFAULT;
}

/** Bits 18, 19 and 11 of the command: a shorthand or a logical destination. */
const NOT_PHYSICAL = 0xc_0800n;

/** The command goes to all whose IDs are in the bitmap, which begins at `first`. How many have taken it. */
function sendIpi(
  { vcpu, isWide }: Call,
  low: bigint,
  high: bigint,
  first: bigint,
  icr: bigint,
): bigint {
  const { vm } = vcpu;
  const { irqchip } = vm;
  if (irqchip === null) return EOPNOTSUPP;
  if ((icr & NOT_PHYSICAL) !== 0n) return EINVAL;
  const bitmap = low | (high << (isWide ? 64n : 32n));
  const message = ipi(Number(BigInt.asUintN(32, icr)), 0);
  if (message === null || message === "illegal vector") return 0n;
  const needsEnabled =
    message.deliveryMode === "fixed" || message.deliveryMode === "lowest priority";
  let taken = 0n;
  for (const { index } of vm.vcpus) {
    const apic = irqchip.lapic(index);
    const id = apicIdOf(apic.state);
    if (id === null || BigInt(id) < first || (bitmap >> (BigInt(id) - first)) % 2n === 0n) continue;
    if (needsEnabled && !isSoftwareEnabled(apic.state)) continue;
    deliver(message, apic, 0);
    taken += 1n;
  }
  return taken;
}

/** The rest of this vCPU's time is for another, if that waits for a CPU. */
function yieldTo({ vcpu, cpu }: Call, id: bigint): bigint {
  const target = withApicId(vcpu.vm, BigInt.asUintN(32, id));
  if (target !== undefined && target !== vcpu)
    vcpu.vm.kvm.host.scheduler.yieldTo(cpu, target.state.runner);
  return 0n;
}
