/** The door of the module: /dev/kvm, ioctls on what is open, and the page that a vCPU shares. KVM API. */

import { KVM_GET_API_VERSION } from "./KVM_GET_API_VERSION.ts";
import { KVM_CREATE_VM } from "./KVM_CREATE_VM.ts";
import { KVM_CHECK_EXTENSION } from "./KVM_CHECK_EXTENSION.ts";
import { KVM_GET_VCPU_MMAP_SIZE } from "./KVM_GET_VCPU_MMAP_SIZE.ts";
import { KVM_GET_SUPPORTED_CPUID } from "./KVM_GET_SUPPORTED_CPUID.ts";
import { KVM_CREATE_VCPU } from "./KVM_CREATE_VCPU.ts";
import { KVM_SET_USER_MEMORY_REGION } from "./KVM_SET_USER_MEMORY_REGION.ts";
import { KVM_GET_DIRTY_LOG } from "./KVM_GET_DIRTY_LOG.ts";
import { KVM_SET_TSS_ADDR } from "./KVM_SET_TSS_ADDR.ts";
import { KVM_SET_IDENTITY_MAP_ADDR } from "./KVM_SET_IDENTITY_MAP_ADDR.ts";
import { KVM_RUN } from "./KVM_RUN.ts";
import { KVM_GET_REGS } from "./KVM_GET_REGS.ts";
import { KVM_SET_REGS } from "./KVM_SET_REGS.ts";
import { KVM_GET_SREGS } from "./KVM_GET_SREGS.ts";
import { KVM_SET_SREGS } from "./KVM_SET_SREGS.ts";
import { KVM_GET_MSRS } from "./KVM_GET_MSRS.ts";
import { KVM_SET_MSRS } from "./KVM_SET_MSRS.ts";
import { KVM_SET_CPUID2 } from "./KVM_SET_CPUID2.ts";
import { KVM_CREATE_IRQCHIP } from "./KVM_CREATE_IRQCHIP.ts";
import { KVM_CREATE_PIT2 } from "./KVM_CREATE_PIT2.ts";
import { KVM_IRQ_LINE } from "./KVM_IRQ_LINE.ts";
import { KVM_SIGNAL_MSI } from "./KVM_SIGNAL_MSI.ts";
import { KVM_SET_GSI_ROUTING } from "./KVM_SET_GSI_ROUTING.ts";
import { KVM_IRQFD } from "./KVM_IRQFD.ts";
import { KVM_IOEVENTFD } from "./KVM_IOEVENTFD.ts";
import { KVM_GET_IRQCHIP } from "./KVM_GET_IRQCHIP.ts";
import { KVM_SET_IRQCHIP } from "./KVM_SET_IRQCHIP.ts";
import { KVM_GET_PIT2 } from "./KVM_GET_PIT2.ts";
import { KVM_SET_PIT2 } from "./KVM_SET_PIT2.ts";
import { KVM_GET_LAPIC } from "./KVM_GET_LAPIC.ts";
import { KVM_SET_LAPIC } from "./KVM_SET_LAPIC.ts";
import { KVM_GET_MP_STATE } from "./KVM_GET_MP_STATE.ts";
import { KVM_SET_MP_STATE } from "./KVM_SET_MP_STATE.ts";
import { KVM_NMI } from "./KVM_NMI.ts";
import { KVM_GET_CPUID2 } from "./KVM_GET_CPUID2.ts";
import { KVM_GET_FPU } from "./KVM_GET_FPU.ts";
import { KVM_SET_FPU } from "./KVM_SET_FPU.ts";
import { KVM_GET_XSAVE } from "./KVM_GET_XSAVE.ts";
import { KVM_SET_XSAVE } from "./KVM_SET_XSAVE.ts";
import { KVM_GET_XCRS } from "./KVM_GET_XCRS.ts";
import { KVM_SET_XCRS } from "./KVM_SET_XCRS.ts";
import { KVM_GET_DEBUGREGS } from "./KVM_GET_DEBUGREGS.ts";
import { KVM_SET_DEBUGREGS } from "./KVM_SET_DEBUGREGS.ts";
import { KVM_GET_MSR_INDEX_LIST } from "./KVM_GET_MSR_INDEX_LIST.ts";
import { KVM_GET_MSR_FEATURE_INDEX_LIST } from "./KVM_GET_MSR_FEATURE_INDEX_LIST.ts";
import { KVM_GET_TSC_KHZ } from "./KVM_GET_TSC_KHZ.ts";
import { KVM_SET_TSC_KHZ } from "./KVM_SET_TSC_KHZ.ts";
import { KVM_TRANSLATE } from "./KVM_TRANSLATE.ts";
import { KVM_SET_SIGNAL_MASK } from "./KVM_SET_SIGNAL_MASK.ts";
import { KVM_SET_GUEST_DEBUG } from "./KVM_SET_GUEST_DEBUG.ts";
import { KVM_ENABLE_CAP } from "./KVM_ENABLE_CAP.ts";
import { KVM_GET_CLOCK } from "./KVM_GET_CLOCK.ts";
import { KVM_SET_CLOCK } from "./KVM_SET_CLOCK.ts";
import { KVM_KVMCLOCK_CTRL } from "./KVM_KVMCLOCK_CTRL.ts";
import { KVM_GET_VCPU_EVENTS } from "./KVM_GET_VCPU_EVENTS.ts";
import { KVM_SET_VCPU_EVENTS } from "./KVM_SET_VCPU_EVENTS.ts";
import { type Errno, isErrno } from "../../linux/errno.ts";
import { O } from "../../linux/fs/file.ts";
import type { OpenFile } from "../../linux/kernel.ts";
import { PROT } from "../../linux/mm/mapping.ts";
import { call } from "../../linux/syscalls/index.ts";
import type { Task } from "../../linux/task.ts";
import type { KvmRun } from "./kvm-run.ts";
import { type Kvm, KvmDevice } from "../module.ts";
import { Vcpu } from "../vcpu.ts";
import { Vm } from "../vm.ts";
import { type Caller, fits, type Ioctl, type On, type ValueOf } from "./ioctl.ts";

const ROWS = {
  KVM_GET_API_VERSION,
  KVM_CREATE_VM,
  KVM_CHECK_EXTENSION,
  KVM_GET_VCPU_MMAP_SIZE,
  KVM_GET_SUPPORTED_CPUID,
  KVM_CREATE_VCPU,
  KVM_SET_USER_MEMORY_REGION,
  KVM_GET_DIRTY_LOG,
  KVM_SET_TSS_ADDR,
  KVM_SET_IDENTITY_MAP_ADDR,
  KVM_RUN,
  KVM_GET_REGS,
  KVM_SET_REGS,
  KVM_GET_SREGS,
  KVM_SET_SREGS,
  KVM_GET_MSRS,
  KVM_SET_MSRS,
  KVM_SET_CPUID2,
  KVM_CREATE_IRQCHIP,
  KVM_CREATE_PIT2,
  KVM_IRQ_LINE,
  KVM_SIGNAL_MSI,
  KVM_SET_GSI_ROUTING,
  KVM_IRQFD,
  KVM_IOEVENTFD,
  KVM_GET_IRQCHIP,
  KVM_SET_IRQCHIP,
  KVM_GET_PIT2,
  KVM_SET_PIT2,
  KVM_GET_LAPIC,
  KVM_SET_LAPIC,
  KVM_GET_MP_STATE,
  KVM_SET_MP_STATE,
  KVM_NMI,
  KVM_GET_CPUID2,
  KVM_GET_FPU,
  KVM_SET_FPU,
  KVM_GET_XSAVE,
  KVM_SET_XSAVE,
  KVM_GET_XCRS,
  KVM_SET_XCRS,
  KVM_GET_DEBUGREGS,
  KVM_SET_DEBUGREGS,
  KVM_GET_MSR_INDEX_LIST,
  KVM_GET_MSR_FEATURE_INDEX_LIST,
  KVM_GET_TSC_KHZ,
  KVM_SET_TSC_KHZ,
  KVM_TRANSLATE,
  KVM_SET_SIGNAL_MASK,
  KVM_ENABLE_CAP,
  KVM_SET_GUEST_DEBUG,
  KVM_GET_CLOCK,
  KVM_SET_CLOCK,
  KVM_KVMCLOCK_CTRL,
  KVM_GET_VCPU_EVENTS,
  KVM_SET_VCPU_EVENTS,
} as const;

export type { Kvm };
type Name = keyof typeof ROWS;
export const IOCTLS: Readonly<Record<Name, Omit<Ioctl, "run">>> = ROWS;

export type Argument<N extends Name> = ValueOf<(typeof ROWS)[N]["takes"]>;
type Answer<N extends Name> = ReturnType<(typeof ROWS)[N]["run"]>;

/** open("/dev/kvm"). */
export const openKvm = ({ kernel, id }: Task): number | Errno =>
  call(kernel, id, "open", { path: "/dev/kvm", flags: O.RDWR });

function kindOf(file: OpenFile): On | null {
  if (file instanceof KvmDevice) return "system";
  if (file instanceof Vm) return "vm";
  return file instanceof Vcpu ? "vcpu" : null;
}

/** ioctl(2). KVM_RUN answers "limit" when the CPU has to be given back: it is called again, and goes on. */
export function ioctl<N extends Name>(
  caller: Caller,
  descriptor: number,
  name: N,
  argument: Argument<N>,
): Answer<N> | Errno {
  const row = ROWS[name] as unknown as Ioctl<OpenFile, never, Answer<N>>;
  const file = caller.task.file(descriptor);
  if (isErrno(file)) return file;
  const denied = caller.task.mayIoctl(descriptor, row.number);
  if (denied !== null) return denied;
  const kind = kindOf(file);
  if (kind === null || !row.on.includes(kind)) return "ENOTTY";
  if (!fits(row.takes, argument)) return "EFAULT";
  const error = refusal(file, caller, name);
  return error ?? row.run(file, argument as never, caller);
}

function refusal(file: OpenFile, { task, cpu, thread = null }: Caller, name: Name): Errno | null {
  if (file instanceof Vm) return file.task === task ? null : "EIO";
  if (!(file instanceof Vcpu)) return null;
  if (file.vm.task !== task) return "EIO";
  // Another thread has the vCPU, and a signal ends the wait for it.
  const { isRunning, runner } = file.state;
  if (!isRunning) return null;
  if (name !== "KVM_RUN" || runner !== (thread ?? -1)) return "EINTR";
  return thread !== null || file.cpu === null || file.cpu === cpu ? null : "EINTR";
}

/** mmap(2) of a vCPU's descriptor. */
export function mapRun({ task }: Pick<Caller, "task">, descriptor: number): KvmRun | Errno {
  const file = task.file(descriptor);
  if (isErrno(file)) return file;
  const denied = task.mayMap(descriptor, PROT.READ | PROT.WRITE);
  if (denied !== null) return denied;
  return file instanceof Vcpu ? file.run : "EINVAL";
}
