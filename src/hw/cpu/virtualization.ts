/**
 * Virtualisation hardware as the rest of a CPU sees it: VMX or SVM. While no guest runs, little of it is asked. SDM
 * Vol. 3, "VMX Non-Root Operation"; APM Vol. 2, "Secure Virtual Machine".
 */

import type { AssistContext } from "./assist.ts";
import type { Fault } from "./fault.ts";
import type { Raised } from "./transfer/deliver.ts";

/** A VM exit, of which VMX and SVM record more. */
export interface VmExit {
  /** Basic exit reason (SDM Vol. 3, "VMX Basic Exit Reasons"), or exit code (APM Vol. 2, "SVM Intercept Exit Codes"). */
  readonly reason: number;
}

/** As the manuals' entries; those of VMX and SVM themselves ask their own module. */
export type InterceptedInstruction =
  | "CPUID"
  | "HLT"
  | "INT n"
  | "INVD"
  | "INVLPG"
  | "INVPCID"
  | "IRET"
  | "LGDT"
  | "LIDT"
  | "LLDT"
  | "LTR"
  | "MONITOR"
  | "MWAIT"
  | "PAUSE"
  | "POPF"
  | "PUSHF"
  | "RDPID"
  | "RDPMC"
  | "RDRAND"
  | "RDSEED"
  | "RDTSC"
  | "RDTSCP"
  | "RSM"
  | "SGDT"
  | "SIDT"
  | "SLDT"
  | "STR"
  | "WBINVD"
  | "XSETBV";

export interface PortAccess {
  readonly port: number;
  readonly size: number;
  readonly input: boolean;
  readonly string: boolean;
}

export interface ControlWrite {
  readonly by: "MOV" | "CLTS" | "LMSW";
  readonly name: "CR0" | "CR2" | "CR3" | "CR4" | "CR8";
  /** What would be written: all of the register. */
  readonly value: bigint;
  /** Number of the general register; 0 where there is none. */
  readonly register: number;
}

export type ControlRead = "CR0" | "CR2" | "CR3" | "CR4" | "CR8";

/**
 * Asked by a guest's instructions before they have any effect, after #UD and faults of privilege (SDM Vol. 3,
 * "Relative Priority of Faults and VM Exits"). Each gives the exit, or the fault, in place of the instruction.
 */
export interface Intercepts {
  instruction(context: AssistContext, name: InterceptedInstruction): Fault | null;
  port(context: AssistContext, access: PortAccess): Fault | null;
  msr(context: AssistContext, number: number, write: boolean): Fault | null;
  /** The value that the guest reads. */
  readControl(
    context: AssistContext,
    by: "MOV" | "SMSW",
    name: ControlRead,
    register: number,
  ): bigint | Fault;
  /** The value that is written; null when the guest's own register is none of the CPU's, and has been written. */
  writeControl(context: AssistContext, access: ControlWrite): bigint | Fault | null;
  debugRegister(
    context: AssistContext,
    number: number,
    write: boolean,
    register: number,
  ): Fault | null;
}

/** A task switch that a guest attempts, with the error code of the event that a task gate of the IDT is for. */
export interface TaskSwitch {
  readonly by: "CALL" | "IRET" | "JMP" | "task gate";
  /** Of the new task-state segment. */
  readonly selector: number;
  readonly errorCode: number | null;
  /** Of the instruction that attempts it; 0 where that is an event. */
  readonly instructionLength: number;
}

/** What is the case at an instruction boundary. */
export interface Boundary {
  /** Bits of DR6 that a debug trap is to set, and that nothing holds back. */
  readonly debug: number;
  /** An NMI has arrived; it may be blocked. */
  readonly isNmiPending: boolean;
  readonly isInterruptAsserted: boolean;
}

/** What happens at a boundary. */
export type Decision =
  | { readonly is: "debug trap" | "NMI" | "external interrupt" }
  | { readonly is: "VM exit"; readonly exit: VmExit }
  /** An injected event or a virtual interrupt; who decides has noted that it is taken. */
  | { readonly is: "injection"; readonly event: Raised };

export interface Virtualization extends Intercepts {
  /** All that is state beside the CPU's block, for the snapshot registry. */
  readonly bytes: Uint8Array;
  /** `bytes` were loaded: what is derived from them is made anew. */
  restored(): void;
  reset(kind: "power-up" | "init"): void;
  /** INIT is held back: in VMX root operation, or while GIF is clear. */
  holdsInit(): boolean;
  /** False for a value that VMX operation forbids: #GP(0). */
  allowsControl(name: "CR0" | "CR4", value: bigint): boolean;

  // All that follows is asked only while a guest runs.

  /** The cycle at which the guest's control block is due: the VMX-preemption timer. */
  deadline(): number;
  /** In the manual's order of priority; null when the guest goes on. */
  decide(boundary: Boundary): Decision | null;
  /** INIT, or a startup IPI: the exit, of which the one that it takes from what is pending is up to it; null when it has its ordinary effect. */
  arrival(what: "INIT" | "startup IPI", vector: number): VmExit | null;
  /** An exception, before it becomes a double fault; `during` is the event in whose delivery it was met. */
  exception(event: Raised, during: Raised | null): VmExit | null;
  /** Task switches of the guest are to exit. */
  asksForTaskSwitches(): boolean;
  /** A task switch whose checks have passed, for a hypervisor that asks for them. */
  taskSwitch(attempt: TaskSwitch): VmExit;
  /** A triple fault; null when the CPU itself is to shut down. */
  shutdown(): VmExit | null;
  /** After each instruction, or the delivery of its fault, there is something to be seen: the monitor trap flag. */
  isStepping(): boolean;
  stepped(): void;
  /** IRET ends the blocking of NMIs. */
  iretUnblocksNmis(): boolean;
  /** Saves the guest's state and loads the host's. `during` is the event that was being delivered. */
  exit(exit: VmExit, during: Raised | null): void;
}
