/** What system instructions share: SDM Vol. 3, "Privileged Instructions". */

import type { AssistFunction } from "./assist.ts";
import type { CpuidAnswer } from "./cpuid/leaves.ts";
import { type Fault, GP0, plainFault } from "./fault.ts";
import { type Instruction, type InstructionText, instruction } from "./instruction.ts";
import type { CpuState } from "./state.ts";

export const UD: Fault = plainFault("#UD");

/** An instruction that is a function over the CPU's state from its start. */
export function systemInstruction(
  mnemonic: string,
  text: Omit<InstructionText, "semantics">,
  run: AssistFunction,
): Instruction {
  return instruction(mnemonic, { ...text, semantics: (u) => u.assist(run) });
}

/** The same at CPL 0 alone: elsewhere #GP(0). */
export function privilegedInstruction(
  mnemonic: string,
  text: Omit<InstructionText, "semantics">,
  run: AssistFunction,
): Instruction {
  return systemInstruction(mnemonic, text, (context) =>
    context.state.cpl === 0 ? run(context) : GP0,
  );
}

/** Numbers of general registers in the encoding. */
export const [RAX, RCX, RDX, RBX, RSP, RSI, RDI, R11] = [0, 1, 2, 3, 4, 6, 7, 11] as const;

export const LOW_32 = 0xffff_ffffn;

/** 16 bits keep the rest of the register, 32 clear the upper half. */
export function writeGpr(state: CpuState, number: number, width: number, value: bigint): void {
  const kept = width >= 32 ? 0n : state.gpr(number) & ~((1n << BigInt(width)) - 1n);
  state.setGpr(number, kept | BigInt.asUintN(width, value));
}

/** Into rDX:rAX, 32 bits each. */
export function writePair(state: CpuState, value: bigint): void {
  state.setGpr(RAX, value & LOW_32);
  state.setGpr(RDX, value >> 32n);
}

export const readPair = (state: CpuState): bigint =>
  ((state.gpr(RDX) & LOW_32) << 32n) | (state.gpr(RAX) & LOW_32);

/** CPUID: leaf and subleaf come from EAX and ECX, the answer goes to four registers. */
export function carryOutCpuid(
  state: CpuState,
  answer: (leaf: number, subleaf: number) => CpuidAnswer,
): void {
  const low = (number: number): number => Number(state.gpr(number) & LOW_32);
  const { EAX, EBX, ECX, EDX } = answer(low(RAX), low(RCX));
  state.setGpr(RAX, BigInt(EAX));
  state.setGpr(RBX, BigInt(EBX));
  state.setGpr(RCX, BigInt(ECX));
  state.setGpr(RDX, BigInt(EDX));
}

/** Sets bits of RFLAGS to those of `value` under a mask. */
export function setFlags(state: CpuState, mask: bigint, value: bigint): void {
  state.rflags = (state.rflags & ~mask) | (value & mask);
}
