/**
 * VMX of one CPU: SDM Vol. 3, "Virtual Machine Extensions". What the rest of the CPU asks; its instructions are in
 * isa/vmx/.
 *
 * Not offered: APIC virtualisation and posted interrupts, VM functions, VMCS shadowing, #VE, SMM's dual-monitor treatment.
 */

import type { AssistContext } from "../assist.ts";
import type { Environment } from "../environment.ts";
import { type Fault, VECTORS } from "../fault.ts";
import type { VirtualizationParts } from "../make-virtualization.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import { BIT, ACTIVITY, BLOCKING, type CpuState, PENDING } from "../state.ts";
import type { Raised } from "../transfer/deliver.ts";
import type { TranslatedMemory } from "../translated-memory.ts";
import type {
  Boundary,
  ControlRead,
  ControlWrite,
  Decision,
  InterceptedInstruction,
  PortAccess,
  TaskSwitch,
  Virtualization,
  VmExit,
} from "../virtualization.ts";
import { allowsCr0, allowsCr4 } from "./capabilities.ts";
import { PIN, PRIMARY, SECONDARY } from "./controls.ts";
import { CurrentControls } from "./current-controls.ts";
import { type Entry, enterGuest, GuestChecks } from "./entry.ts";
import { decideBoundary } from "./events.ts";
import { exitGuest } from "./exit.ts";
import { exceptionExit, type VmxExit } from "./exit-information.ts";
import { type Field, fieldOf, wordOf } from "./fields.ts";
import {
  debugAnswer,
  instructionAnswer,
  msrAnswer,
  portAnswer,
  readAnswer,
  writeAnswer,
} from "./intercepts.ts";
import { REASON } from "./reasons.ts";
import { StateTransfer } from "./state-transfer.ts";
import { FLAG, NO_VMCS, Vmcs, VMCS_DATA } from "./vmcs.ts";

const EXCEPTION_BITMAP = wordOf("Exception bitmap");
const [PF_MASK, PF_MATCH] = [
  wordOf("Page-fault error-code mask"),
  wordOf("Page-fault error-code match"),
];

/** SDM Vol. 3, "Exit Qualification for Task Switches". */
const TASK_SWITCH_SOURCES: readonly TaskSwitch["by"][] = ["CALL", "IRET", "JMP", "task gate"];

/** Control fields from which nothing is derived, and which no check of CONTROL_CHECKS looks at. */
const LOOKED_AT_IN_USE: ReadonlySet<number> = new Set(
  (
    [
      "VM-entry interruption-information field",
      "VM-entry exception error code",
      "VM-entry instruction length",
      "TPR threshold",
      "Exception bitmap",
      "Page-fault error-code mask",
      "Page-fault error-code match",
      "TSC offset",
      "CR0 guest/host mask",
      "CR4 guest/host mask",
      "CR0 read shadow",
      "CR4 read shadow",
      "CR3-target value 0",
      "CR3-target value 1",
      "CR3-target value 2",
      "CR3-target value 3",
      "PLE_Gap",
      "PLE_Window",
    ] as const
  ).map((name) => fieldOf(name).encoding),
);

export class Vmx implements Virtualization {
  readonly vmcs: Vmcs;
  readonly physical: PhysicalMemory;
  /** For INVEPT and INVVPID. */
  readonly translations: TranslatedMemory;
  readonly #state: CpuState;
  readonly #environment: Environment;
  readonly #controls: CurrentControls;
  readonly #transition: Entry;
  /** The cycle at which an IRET has begun that ends the blocking of NMIs; no state between instructions. */
  #iretAt = -1;

  constructor({ state, memory, physical, environment }: VirtualizationParts) {
    this.physical = physical;
    this.translations = memory;
    this.#state = state;
    this.#environment = environment;
    const { wasm } = physical.ram;
    const vmcs = new Vmcs(physical, state);
    this.vmcs = vmcs;
    this.#controls = new CurrentControls(vmcs, physical, environment.profile);
    this.#transition = {
      state,
      vmcs,
      controls: this.#controls,
      transfer: new StateTransfer(state, vmcs, wasm),
      memory,
      physical,
      environment,
      virtualization: this,
      guestChecks: new GuestChecks(wasm, state.block + VMCS_DATA),
    };
  }

  get bytes(): Uint8Array {
    return this.vmcs.bytes;
  }

  restored(): void {
    this.forget();
    this.#iretAt = -1;
    const { ept, vpid } = this.#controls.now;
    if (this.#state.isGuest) this.translations.enter("guest", vpid, ept);
    else this.translations.enter("host", 0, null);
  }

  reset(): void {
    this.vmcs.reset();
    this.forget();
    this.#state.isGuest = false;
    this.translations.enter("host", 0, null);
  }

  /** In root operation, and in the wait-for-SIPI state of a guest. */
  holdsInit(): boolean {
    const { isGuest, activity } = this.#state;
    return this.vmcs.isOperating && (!isGuest || activity === ACTIVITY.waitForSipi);
  }

  allowsControl(name: "CR0" | "CR4", value: bigint): boolean {
    if (!this.vmcs.isOperating) return true;
    if (name === "CR4") return allowsCr4(value, this.#environment.profile);
    const { secondary } = this.#controls.now.controls;
    const isFree = this.#state.isGuest && (secondary & SECONDARY.unrestrictedGuest) !== 0;
    return allowsCr0(value, isFree);
  }

  // Instructions of VMX ask these.

  get hasCurrent(): boolean {
    return this.vmcs.current !== NO_VMCS;
  }

  /** What was derived from the fields is made anew. */
  forget(): void {
    this.#controls.forget();
    this.#transition.transfer.forgetHost();
  }

  /** VMXON, behind its checks. */
  begin(address: number): void {
    this.forget();
    this.vmcs.reset();
    this.vmcs.isOperating = true;
    this.vmcs.vmxon = address;
  }

  /** VMPTRLD, behind its checks. */
  load(address: number): void {
    this.vmcs.load(address);
    this.forget();
  }

  /** VMCLEAR, behind its checks. */
  clear(address: number): void {
    this.vmcs.clear(address);
    this.forget();
  }

  /** VMWRITE. */
  write(field: Field, value: bigint, high: boolean): void {
    this.vmcs.write(field, value, high);
    const isLasting = field.type === "control" || field.type === "host state";
    if (isLasting && !LOOKED_AT_IN_USE.has(field.encoding)) this.forget();
  }

  /** VMLAUNCH and VMRESUME from the checks of fields on: an error number of VMfailValid, or 0. */
  enter(): number {
    return enterGuest(this.#transition);
  }

  // What is asked while a guest runs.

  exit(exit: VmExit, during: Raised | null): void {
    const unblocked = this.#iretAt === this.#state.cycles;
    exitGuest(this.#transition, exit, during, unblocked);
  }

  deadline(): number {
    return this.vmcs.deadline;
  }

  decide(boundary: Boundary): Decision | null {
    const { controls, vmcs } = this.#controls.now;
    return decideBoundary(
      { state: this.#state, vmcs, controls, environment: this.#environment },
      boundary,
    );
  }

  arrival(what: "INIT" | "startup IPI", vector: number): VmxExit {
    if (what === "startup IPI") return { reason: REASON.startupIpi, qualification: BigInt(vector) };
    this.#state.pending &= ~PENDING.init;
    return { reason: REASON.initSignal };
  }

  exception(event: Raised): VmExit | null {
    if (!this.#isWanted(event)) return null;
    return exceptionExit(event, this.#state.has("CR0", BIT.CR0.PE));
  }

  /** SDM Vol. 3, "Exception Bitmap": for page faults, mask and match say which error codes the bit is for. */
  #isWanted({ vector, errorCode }: Raised): boolean {
    const { words } = this.vmcs;
    const isInBitmap = ((words[EXCEPTION_BITMAP] as number) & (1 << vector)) !== 0;
    if (vector !== VECTORS["#PF"]) return isInBitmap;
    const masked = ((errorCode ?? 0) & (words[PF_MASK] as number)) >>> 0;
    return (masked === (words[PF_MATCH] as number)) === isInBitmap;
  }

  asksForTaskSwitches(): boolean {
    return true;
  }

  taskSwitch({ by, selector, instructionLength }: TaskSwitch): VmxExit {
    const source = BigInt(TASK_SWITCH_SOURCES.indexOf(by)) << 30n;
    const qualification = BigInt(selector) | source;
    return { reason: REASON.taskSwitch, qualification, instructionLength };
  }

  shutdown(): VmExit {
    return { reason: REASON.tripleFault };
  }

  isStepping(): boolean {
    return (this.#controls.now.controls.primary & PRIMARY.monitorTrapFlag) !== 0;
  }

  stepped(): void {
    this.vmcs.flags |= FLAG.monitorTrap;
    this.#state.attention = true;
  }

  /** With NMI exiting, IRET has to do with virtual NMIs alone. */
  iretUnblocksNmis(): boolean {
    const { pin } = this.#controls.now.controls;
    return (pin & PIN.nmiExiting) === 0 || (pin & PIN.virtualNmis) !== 0;
  }

  instruction(context: AssistContext, name: InterceptedInstruction): Fault | null {
    if (name === "IRET") this.#noteIret();
    return instructionAnswer(this.#controls.now, context, name);
  }

  /** An IRET that faults has ended the blocking of NMIs all the same, and the exit says so. */
  #noteIret(): void {
    const state = this.#state;
    if ((state.blocking & BLOCKING.nmi) === 0 || !this.iretUnblocksNmis()) return;
    this.#iretAt = state.cycles;
    state.blocking &= ~BLOCKING.nmi;
  }

  port(context: AssistContext, access: PortAccess): Fault | null {
    return portAnswer(this.#controls.now, context, access);
  }

  msr(context: AssistContext, number: number, write: boolean): Fault | null {
    return msrAnswer(this.#controls.now, context, number, write);
  }

  readControl(
    context: AssistContext,
    _by: "MOV" | "SMSW",
    name: ControlRead,
    register: number,
  ): bigint | Fault {
    return readAnswer(this.#controls.now, context, name, register);
  }

  writeControl(context: AssistContext, access: ControlWrite): bigint | Fault {
    return writeAnswer(this.#controls.now, context, access);
  }

  debugRegister(
    context: AssistContext,
    number: number,
    write: boolean,
    register: number,
  ): Fault | null {
    return debugAnswer(this.#controls.now, context, number, write, register);
  }
}
