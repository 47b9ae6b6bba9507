/** KVM_CHECK_EXTENSION: KVM API, "KVM_CHECK_EXTENSION". */

import { ALL_GUESTDBG } from "../guest-debug.ts";
import { USER_SLOTS } from "../mmu/memslots.ts";
import { MOST_ROUTES } from "../irqchip/routing.ts";
import type { KvmDevice } from "../module.ts";
import { MAX_VCPU_ID, MAX_VCPUS, type Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { VALID_CLOCK_FLAGS } from "./KVM_SET_CLOCK.ts";

/** By the numbers of KVM_CAP_*. */
const EXTENSIONS: ReadonlyMap<number, number> = new Map([
  /** KVM_CAP_IRQCHIP, KVM_CAP_MP_STATE, KVM_CAP_USER_NMI, KVM_CAP_IRQ_ROUTING. */
  [0, 1],
  [14, 1],
  [22, 1],
  [25, MOST_ROUTES],
  /** KVM_CAP_IRQFD, KVM_CAP_PIT2, KVM_CAP_PIT_STATE2, KVM_CAP_IOEVENTFD, KVM_CAP_SIGNAL_MSI. */
  [32, 1],
  [33, 1],
  [35, 1],
  [36, 1],
  [77, 1],
  /** KVM_CAP_USER_MEMORY, KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID. */
  [3, 1],
  [4, 1],
  [7, 1],
  /** KVM_CAP_NR_VCPUS: what is recommended. KVM_CAP_NR_MEMSLOTS. */
  [9, MAX_VCPUS],
  [10, USER_SLOTS],
  /** KVM_CAP_SYNC_MMU, KVM_CAP_DESTROY_MEMORY_REGION_WORKS, KVM_CAP_SET_IDENTITY_MAP_ADDR. */
  [16, 1],
  [21, 1],
  [37, 1],
  /** KVM_CAP_SET_GUEST_DEBUG, KVM_CAP_X86_ROBUST_SINGLESTEP, KVM_CAP_SET_GUEST_DEBUG2. */
  [23, 1],
  [51, 1],
  [195, ALL_GUESTDBG],
  /** KVM_CAP_DEBUGREGS, KVM_CAP_ENABLE_CAP, KVM_CAP_XSAVE, KVM_CAP_XCRS, KVM_CAP_GET_TSC_KHZ. */
  [50, 1],
  [54, 1],
  [55, 1],
  [56, 1],
  [61, 1],
  /** KVM_CAP_CLOCKSOURCE, KVM_CAP_NOP_IO_DELAY, KVM_CAP_ADJUST_CLOCK, KVM_CAP_KVMCLOCK_CTRL. */
  [8, 1],
  [12, 1],
  [39, VALID_CLOCK_FLAGS],
  [76, 1],
  /** KVM_CAP_VCPU_EVENTS, KVM_CAP_INTR_SHADOW. */
  [41, 1],
  [49, 1],
  /** KVM_CAP_MAX_VCPUS, KVM_CAP_READONLY_MEM, KVM_CAP_MAX_VCPU_ID, KVM_CAP_IMMEDIATE_EXIT. */
  [66, MAX_VCPUS],
  [81, 1],
  /** KVM_CAP_ENABLE_CAP_VM, KVM_CAP_CHECK_EXTENSION_VM. */
  [98, 1],
  [105, 1],
  [128, MAX_VCPU_ID],
  [136, 1],
  /** KVM_CAP_GET_MSR_FEATURES, KVM_CAP_ENFORCE_PV_FEATURE_CPUID. */
  [153, 1],
  [190, 1],
]);

export const KVM_CHECK_EXTENSION = ioctl(
  "KVM_CHECK_EXTENSION",
  ["system", "vm"],
  ["_IO", 0x03, "u64"],
  (_file: KvmDevice | Vm, extension: bigint) => EXTENSIONS.get(Number(extension)) ?? 0,
);
