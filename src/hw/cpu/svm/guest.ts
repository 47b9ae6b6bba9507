/**
 * What a VMCB says of its guest while it runs: which instructions and events go to the host instead, and which events
 * it takes. APM Vol. 2, "Intercept Operation", "Instruction Intercepts", "Exception Intercepts", "Interrupt Intercepts".
 */

import type { AssistContext } from "../assist.ts";
import { exitFault, type Fault } from "../fault.ts";
import type { VirtualizationParts } from "../make-virtualization.ts";
import { BIT, ACTIVITY, BLOCKING, CR0, OFFSET } from "../state.ts";
import type { Raised } from "../transfer/deliver.ts";
import type {
  Boundary,
  ControlRead,
  ControlWrite,
  Decision,
  InterceptedInstruction,
  Intercepts,
  PortAccess,
  TaskSwitch,
  VmExit,
} from "../virtualization.ts";
import { injectedEvent } from "./events.ts";
import { EXIT_CODE, INSTRUCTIONS, INTERCEPT, type Intercept } from "./intercepts.ts";
import { ioioInfo, isMsrIntercepted, isPortIntercepted } from "./permission-maps.ts";
import { HOST_BYTES } from "./state-areas.ts";
import { VINTR, VMCB, VMCB_BYTES } from "./vmcb.ts";

/** What #VMEXIT records. */
export interface SvmExit extends VmExit {
  readonly info1: bigint;
  readonly info2: bigint;
  /** RIP of the instruction that follows the intercepted one; 0 for other exits. */
  readonly nextRip: bigint;
}

const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const FROM_REGISTER = 1n << 63n;
const SELECTIVE = CR0.TS | CR0.MP;

/** Behind the copy of the VMCB: what else is state. */
export const PLACE = {
  /** Address of the VMCB, a double; of the one that is remembered, or -1. */
  address: VMCB_BYTES,
  remembered: VMCB_BYTES + 8,
  /** RFLAGS.IF of the host, and what blocked NMIs. */
  hostIf: VMCB_BYTES + 16,
  hostBlocking: VMCB_BYTES + 20,
  pauses: VMCB_BYTES + 24,
  /** An event of EVENTINJ is still to be delivered. */
  injects: VMCB_BYTES + 28,
  hostPat: VMCB_BYTES + 32,
  lastPause: VMCB_BYTES + 40,
  host: VMCB_BYTES + 48,
} as const;
export const SVM_BYTES = PLACE.host + HOST_BYTES;

export abstract class SvmGuest implements Intercepts {
  /** The VMCB as the CPU has it, and what else is state. */
  readonly bytes: Uint8Array;
  protected readonly view: DataView;
  protected readonly parts: VirtualizationParts;

  constructor(parts: VirtualizationParts) {
    const { view, block } = parts.state;
    this.bytes = new Uint8Array(view.buffer, block + OFFSET.virtualization, SVM_BYTES);
    this.view = new DataView(view.buffer, block + OFFSET.virtualization, SVM_BYTES);
    this.parts = parts;
  }

  #has({ word, bit }: Intercept): boolean {
    return ((this.view.getInt32(word, true) >>> bit) & 1) !== 0;
  }

  /** The exit of an instruction of SVM itself, or of one of the table. */
  intercepted(context: AssistContext, intercept: Intercept, info1 = 0n): Fault | null {
    return this.#has(intercept) ? leave(context, intercept.code, info1) : null;
  }

  instruction(context: AssistContext, name: InterceptedInstruction): Fault | null {
    const intercept = INSTRUCTIONS[name];
    if (intercept === undefined || !this.#has(intercept)) return null;
    if (name === "PAUSE" && !this.#countPause()) return null;
    let info1 = 0n;
    if (name === "INVLPG") info1 = context.linear("effective", context.offset(0));
    const operand = name === "INT n" ? context.operand(0) : null;
    if (operand?.is === "immediate") info1 = operand.value & 0xffn;
    return leave(context, intercept.code, info1);
  }

  /** True when a PAUSE is one too many (APM Vol. 2, "Pause Intercept Filtering"). */
  #countPause(): boolean {
    const view = this.view;
    const { cycles } = this.parts.state;
    const threshold = view.getUint16(VMCB.pauseFilterThreshold, true);
    const since = cycles - view.getFloat64(PLACE.lastPause, true);
    view.setFloat64(PLACE.lastPause, cycles, true);
    if (threshold !== 0 && since > threshold)
      view.setInt32(PLACE.pauses, view.getUint16(VMCB.pauseFilterCount, true), true);
    const left = view.getInt32(PLACE.pauses, true);
    if (left > 0) view.setInt32(PLACE.pauses, left - 1, true);
    return left === 0;
  }

  port(context: AssistContext, access: PortAccess): Fault | null {
    if (!this.#has(INTERCEPT.IOIO)) return null;
    const map = this.address(VMCB.iopmBasePa);
    if (!isPortIntercepted(this.parts.physical, map, access)) return null;
    return exitFault({
      reason: EXIT_CODE.IOIO,
      info1: ioioInfo(context, access),
      info2: context.nextRip,
      nextRip: context.nextRip,
    } satisfies SvmExit as VmExit);
  }

  msr(context: AssistContext, number: number, write: boolean): Fault | null {
    if (!this.#has(INTERCEPT.MSR)) return null;
    const map = this.address(VMCB.msrpmBasePa);
    if (!isMsrIntercepted(this.parts.physical, map, number, write)) return null;
    return leave(context, EXIT_CODE.MSR, write ? 1n : 0n);
  }

  protected address(field: number): number {
    const low = this.view.getUint32(field, true);
    return ((low & ~0xfff) >>> 0) + this.view.getUint32(field + 4, true) * 2 ** 32;
  }

  readControl(
    context: AssistContext,
    by: "MOV" | "SMSW",
    name: ControlRead,
    register: number,
  ): bigint | Fault {
    const number = Number(name.slice(2));
    const info1 = by === "MOV" ? FROM_REGISTER | BigInt(register) : 0n;
    const word: Intercept = { word: VMCB.interceptCr, bit: number, code: number };
    if (this.#has(word)) return leave(context, EXIT_CODE.readCr0 + number, info1);
    return name === "CR8" && this.#masksInterrupts()
      ? BigInt(this.view.getUint8(VMCB.vintr) & VINTR.tpr)
      : context.state.control(name);
  }

  writeControl(
    context: AssistContext,
    { by, name, value, register }: ControlWrite,
  ): bigint | Fault | null {
    const number = Number(name.slice(2));
    const info1 = by === "MOV" ? FROM_REGISTER | BigInt(register) : 0n;
    const word: Intercept = { word: VMCB.interceptCr, bit: 16 + number, code: number };
    if (this.#has(word)) return leave(context, EXIT_CODE.writeCr0 + number, info1);
    const changes = (context.state.control(name) ^ value) & ~SELECTIVE;
    const isSelected = by === "LMSW" || (by === "MOV" && changes !== 0n);
    if (name === "CR0" && isSelected && this.#has(INTERCEPT.CR0_SEL_WRITE))
      return leave(context, EXIT_CODE.CR0_SEL_WRITE, info1);
    if (name !== "CR8" || value > 15n || !this.#masksInterrupts()) return value;
    this.view.setUint8(VMCB.vintr, Number(value));
    context.state.attention = true;
    return null;
  }

  debugRegister(
    context: AssistContext,
    number: number,
    write: boolean,
    register: number,
  ): Fault | null {
    const bit = (write ? 16 : 0) + number;
    if (!this.#has({ word: VMCB.interceptDr, bit, code: 0 })) return null;
    const code = (write ? EXIT_CODE.writeDr0 : EXIT_CODE.readDr0) + number;
    return leave(context, code, BigInt(register));
  }

  // Events.

  #masksInterrupts(): boolean {
    return (this.view.getInt32(VMCB.vintr, true) & VINTR.masking) !== 0;
  }

  decide({ debug, isNmiPending, isInterruptAsserted }: Boundary): Decision | null {
    const { state } = this.parts;
    const view = this.view;
    if (view.getInt32(PLACE.injects, true) !== 0) {
      view.setInt32(PLACE.injects, 0, true);
      return { is: "injection", event: injectedEvent(view, state) };
    }
    // A shutdown that nobody intercepts is the CPU's own.
    if (state.activity > ACTIVITY.hlt) return null;
    if (debug !== 0) return DEBUG_TRAP;
    if ((state.blocking & BLOCKING.gif) !== 0) return null;
    const isShadowed = (state.blocking & SHADOWS) !== 0;
    if (isNmiPending && (state.blocking & BLOCKING.nmi) === 0) {
      if (this.#has(INTERCEPT.NMI)) return exitFor(EXIT_CODE.NMI);
      if (!isShadowed) return NMI;
    }
    if (isShadowed) return null;
    const isOpen = state.hasFlag(BIT.RFLAGS.IF);
    const isHostOpen = this.#masksInterrupts() ? view.getInt32(PLACE.hostIf, true) !== 0 : isOpen;
    if (isInterruptAsserted && isHostOpen)
      return this.#has(INTERCEPT.INTR) ? exitFor(EXIT_CODE.INTR) : EXTERNAL_INTERRUPT;
    return isOpen ? this.#virtualInterrupt() : null;
  }

  /** V_IRQ, if its priority is above V_TPR (APM Vol. 2, "Injecting Virtual (INTR) Interrupts"). */
  #virtualInterrupt(): Decision | null {
    const view = this.view;
    const vintr = view.getInt32(VMCB.vintr, true);
    if ((vintr & VINTR.irq) === 0) return null;
    const priority = (vintr >>> VINTR.priorityShift) & 15;
    if ((vintr & VINTR.ignoreTpr) === 0 && priority <= (vintr & VINTR.tpr)) return null;
    if (this.#has(INTERCEPT.VINTR)) return exitFor(EXIT_CODE.VINTR);
    view.setInt32(VMCB.vintr, vintr & ~VINTR.irq, true);
    return {
      is: "injection",
      event: {
        type: "external interrupt",
        vector: view.getUint8(VMCB.vintrVector),
        errorCode: null,
        address: null,
        resume: false,
        debug: 0,
        returnRip: null,
        instructionLength: 0,
      },
    };
  }

  /** The INIT stays pending until the host lets it in. */
  arrival(what: "INIT" | "startup IPI"): VmExit | null {
    return what === "INIT" && this.#has(INTERCEPT.INIT) ? exitOf(EXIT_CODE.INIT) : null;
  }

  exception(event: Raised): VmExit | null {
    const { state } = this.parts;
    const { type, vector, errorCode, address, debug } = event;
    if (type === "privileged software exception" && this.#has(INTERCEPT.ICEBP))
      return exitOf(EXIT_CODE.ICEBP, event.returnRip ?? 0n);
    const bit: Intercept = { word: VMCB.interceptExceptions, bit: vector, code: 0 };
    if (vector > 31 || !this.#has(bit)) return null;
    // The registers show what a handler of the guest would find.
    if (debug !== 0) state.setDebug("DR6", (state.debug("DR6") & ~0xfn) | BigInt(debug));
    return {
      reason: EXIT_CODE.exception0 + vector,
      info1: BigInt(errorCode ?? 0),
      info2: address ?? 0n,
      nextRip: type === "software exception" ? (event.returnRip ?? 0n) : 0n,
    } satisfies SvmExit as VmExit;
  }

  asksForTaskSwitches(): boolean {
    return this.#has(INTERCEPT.TASK_SWITCH);
  }

  /** EXITINFO2: the error code of the event, whether IRET or a far jump attempts it, whether there is a code, and RF. */
  taskSwitch({ by, selector, errorCode }: TaskSwitch): VmExit {
    const bits = (by === "IRET" ? 1n << 36n : 0n) | (by === "JMP" ? 1n << 38n : 0n);
    const code = errorCode === null ? 0n : BigInt(errorCode) | (1n << 44n);
    const resume = this.parts.state.hasFlag(BIT.RFLAGS.RF) ? 1n << 48n : 0n;
    return {
      reason: EXIT_CODE.TASK_SWITCH,
      info1: BigInt(selector),
      info2: bits | code | resume,
      nextRip: 0n,
    } satisfies SvmExit as VmExit;
  }

  shutdown(): VmExit | null {
    return this.#has(INTERCEPT.SHUTDOWN) ? exitOf(EXIT_CODE.SHUTDOWN) : null;
  }
}

const DEBUG_TRAP: Decision = { is: "debug trap" };
const NMI: Decision = { is: "NMI" };
const EXTERNAL_INTERRUPT: Decision = { is: "external interrupt" };

const exitOf = (reason: number, nextRip = 0n): VmExit =>
  ({ reason, info1: 0n, info2: 0n, nextRip }) satisfies SvmExit as VmExit;
const exitFor = (reason: number): Decision => ({ is: "VM exit", exit: exitOf(reason) });

const leave = ({ nextRip }: AssistContext, reason: number, info1: bigint): Fault =>
  exitFault({ reason, info1, info2: 0n, nextRip } satisfies SvmExit as VmExit);
