/** What KVM asks of VMX or SVM: Linux, arch/x86/include/asm/kvm_host.h, struct kvm_x86_ops. */

import type { AccessSize } from "../../hw/chips/socket.ts";
import type { CpuState } from "../../hw/cpu/state.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import type { SwappedBlock } from "./swapped.ts";

/** An event that a guest is to have at its next entry. */
export interface PendingEvent {
  readonly type: "exception" | "interrupt" | "NMI";
  readonly vector: number;
  readonly errorCode: number | null;
}

/** Why a guest was left. */
export type Cause =
  /** The host's business. */
  | { readonly is: "interrupt" }
  /** The guest can take what it could not before. */
  | { readonly is: "window" }
  | { readonly is: "CPUID" | "HLT" | "hypercall" | "shutdown" }
  /** IN or OUT of a register. */
  | {
      readonly is: "port";
      readonly port: number;
      readonly size: AccessSize;
      readonly input: boolean;
    }
  | { readonly is: "RDMSR" | "WRMSR" }
  /** Another instruction that is carried out in the guest's stead: of control registers, strings of ports. */
  | { readonly is: "instruction" }
  /** An exception that is not the guest's; of #DB, the bits of DR6. */
  | { readonly is: "exception"; readonly vector: number; readonly debug: number }
  /** An instruction that the guest's CPU does not have. */
  | { readonly is: "undefined instruction" }
  /** A guest-physical address that the tables do not map, or not for writes. */
  | { readonly is: "memory"; readonly address: number; readonly write: boolean }
  | { readonly is: "failed entry"; readonly reason: bigint }
  | { readonly is: "unknown" };

export interface Exit {
  readonly cause: Cause;
  /** The hardware's own word for it. */
  readonly reason: number;
  /** RIP behind the instruction that was intercepted. */
  readonly next: bigint;
  /** The event that was being delivered, to be delivered again. */
  readonly vectoring: PendingEvent | null;
}

/** Of a vCPU what vmx and svm need. */
export interface Hosted {
  /** Frame of its VMCS or VMCB. */
  readonly control: number;
  /** VPID or ASID. */
  readonly tag: number;
  /** Frame of the first of its VM's tables. */
  readonly root: number;
  /** Its local APIC is the module's. */
  readonly hasApic: boolean;
  /** Exceptions that are not the guest's, a bit for each; with #DB, debug registers are not either. */
  readonly exceptions: number;
  /** Frame in which its CPU logs the pages that it writes; 0 where CPUs do not. */
  readonly log: number;
  /** Some slot logs dirty pages. */
  readonly isLogging: boolean;
  /** All registers, while they are not in hardware. */
  readonly registers: CpuState;
  /** The same, for those that software moves. */
  readonly swapped: SwappedBlock;
}

/** What the module waits for until the guest can take it. */
export interface Windows {
  readonly interrupt: boolean;
  readonly nmi: boolean;
}

export interface Entry {
  readonly event: PendingEvent | null;
  /** Its translations are stale. */
  readonly flush: boolean;
  readonly windows: Windows;
}

export interface X86Ops {
  readonly name: "vmx" | "svm";
  /** What entries that map a page have beside rights. */
  readonly leafBits: number;
  /** Of entries that map a page: it was used, and it was written. */
  readonly accessedBit: number;
  readonly dirtyBit: number;
  /** CPUs log the page when they make an entry dirty. */
  readonly logsPages: boolean;
  /** How many there are, the host's own 0 among them. */
  readonly tags: number;
  /** Turns virtualisation on; a zeroed frame is the CPU's from now on. */
  enable(cpu: HostCpu, frame: number): void;
  /** Makes the control block of a new vCPU. */
  create(vcpu: Hosted): void;
  /** The CPU will run the vCPU; `isNew`: another one than the last time. */
  load(cpu: HostCpu, vcpu: Hosted, isNew: boolean): void;
  /** The CPU will run another. */
  put(cpu: HostCpu, vcpu: Hosted): void;
  /** Registers to where a guest has them: control block and CPU. */
  store(cpu: HostCpu, vcpu: Hosted): void;
  /** And back. */
  fetch(cpu: HostCpu, vcpu: Hosted): void;
  /** What the guest could take now; its registers are in hardware, or not. */
  canTake(cpu: HostCpu, vcpu: Hosted, isInHardware: boolean): Windows;
  /** Enters the guest; the exit of an entry that fails, else null. */
  enter(cpu: HostCpu, vcpu: Hosted, entry: Entry): Exit | null;
  /** What the control block says of the exit that has just been. */
  exit(cpu: HostCpu, vcpu: Hosted): Exit;
  /** Guest-physical pages that the CPU has logged for the vCPU that it has. */
  logged(cpu: HostCpu, vcpu: Hosted): readonly number[];
  /** The log begins anew. */
  emptyLog(cpu: HostCpu): void;
}
