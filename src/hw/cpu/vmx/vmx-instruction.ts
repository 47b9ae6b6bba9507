/**
 * What the instructions of VMX have in common: when they are #UD, exit or are #GP(0), and how they report success and
 * failure. SDM Vol. 3, "VMX Instruction Reference"; "Conventions"; "VM Instruction Error Numbers".
 */

import type { AssistContext } from "../assist.ts";
import type { FeatureName } from "../cpuid/features.ts";
import { type Fault, GP0 } from "../fault.ts";
import type { FormRow } from "../forms.ts";
import type { Instruction } from "../instruction.ts";
import { isFault } from "../mmu.ts";
import { is64Bit, isLongMode, isVirtual8086 } from "../mode.ts";
import { BIT } from "../state.ts";
import { setFlags, systemInstruction, UD } from "../system.ts";
import { fieldOf } from "./fields.ts";
import { Vmx } from "./vmx.ts";

const FEATURE: FeatureName = "VMX";

const [CF, ZF] = [1n, 0x40n];
/** CF, PF, AF, ZF, SF, OF. */
const STATUS = 0x8d5n;
const ERROR = fieldOf("VM-instruction error");

export function succeed({ state }: AssistContext): null {
  setFlags(state, STATUS, 0n);
  return null;
}

export function failInvalid({ state }: AssistContext): null {
  setFlags(state, STATUS, CF);
  return null;
}

/** VMfailValid with an error number where there is a current VMCS to hold it; else VMfailInvalid. */
export function fail(context: AssistContext, { vmcs, hasCurrent }: Vmx, error: number): null {
  if (!hasCurrent) return failInvalid(context);
  vmcs.write(ERROR, BigInt(error));
  setFlags(context.state, STATUS, ZF);
  return null;
}

/** Tells the trace why an instruction has failed. */
export function refuse(
  context: AssistContext,
  outcome: string,
  check: string,
  fault: Fault,
): Fault {
  const { decoded, environment, state } = context;
  const { mnemonic } = decoded.form;
  environment.explain({
    outcome: `${mnemonic}: ${outcome}`,
    check,
    field: "CR0",
    value: state.control("CR0"),
    section: `SDM Vol. 3, "VMX Instruction Reference", ${mnemonic}`,
  });
  return fault;
}

type Run = (context: AssistContext, vmx: Vmx) => Fault | null;

interface Text {
  readonly forms: readonly FormRow[];
  /** The exit in a guest. */
  readonly exit: (context: AssistContext) => Fault;
}

/** VMX's own hardware; null where this CPU has none. */
export const vmxOf = ({ virtualization }: AssistContext): Vmx | null =>
  virtualization instanceof Vmx ? virtualization : null;

/** Outside protected mode, and in compatibility mode. */
export function isWrongMode({ state }: AssistContext): boolean {
  if (!state.has("CR0", BIT.CR0.PE) || isVirtual8086(state)) return true;
  return isLongMode(state) && !is64Bit(state);
}

/** An instruction of VMX operation: #UD outside it, an exit in a guest, #GP(0) but at CPL 0. */
export function vmxInstruction(mnemonic: string, { forms, exit }: Text, run: Run): Instruction {
  return systemInstruction(mnemonic, { feature: FEATURE, forms }, (context) => {
    const vmx = vmxOf(context);
    if (vmx === null || !vmx.vmcs.isOperating)
      return refuse(context, "#UD", "the CPU is in VMX operation", UD);
    if (isWrongMode(context)) return refuse(context, "#UD", "64-bit or protected mode", UD);
    if (context.state.isGuest) return exit(context);
    if (context.state.cpl !== 0) return refuse(context, "#GP(0)", "the CPL is 0", GP0);
    return run(context, vmx);
  });
}

/** The physical address that an operand in memory holds, which names a VMCS or the VMXON region; -1 for one that cannot. */
export function regionAddress(context: AssistContext): number | Fault {
  const value = context.load("effective", context.offset(0), 8);
  if (isFault(value)) return value;
  const { physicalBits } = context.environment.profile;
  const isPlace = (value & 0xfffn) === 0n && value >> BigInt(physicalBits) === 0n;
  return isPlace ? Number(value) : NOWHERE;
}

export const NOWHERE = -1;
