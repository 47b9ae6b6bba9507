/**
 * What every x87 instruction begins and ends with: whether the unit may be used, exceptions that are pending, and the
 * pointers to the last instruction. SDM Vol. 1, "x87 FPU Floating-Point Exception Handling", "x87 FPU Instruction and
 * Data (Operand) Pointers"; Vol. 3, "Control Registers".
 */

import type { AssistContext, AssistFunction } from "../assist.ts";
import { type Fault, plainFault, VECTORS } from "../fault.ts";
import { type Instruction, type InstructionText, instruction } from "../instruction.ts";
import { codeSizeOf } from "../mode.ts";
import { CR0, type CpuState, OFFSET } from "../state.ts";
import { Execution } from "./execution.ts";
import { WIRES, X87Unit } from "./unit.ts";

export type X87Operation = (x: Execution) => Fault | null;

/**
 * `wait` instructions wait for pending exceptions and leave pointers to themselves; `control` instructions wait and
 * leave none; `noWait` neither.
 */
export type X87Kind = "wait" | "control" | "noWait";

export interface X87Text extends Pick<InstructionText, "forms"> {
  /** `wait` where absent. */
  readonly kind?: X87Kind;
  readonly operation: X87Operation;
}

export function x87Instruction(mnemonic: string, text: X87Text): Instruction {
  const { forms, operation, kind = "wait" } = text;
  return instruction(mnemonic, { forms, semantics: (u) => u.assist(guarded(operation, kind)) });
}

function guarded(operation: X87Operation, kind: X87Kind): AssistFunction {
  return (context) => {
    const { state } = context;
    if ((state.control("CR0") & (CR0.EM | CR0.TS)) !== 0n) return plainFault("#NM");
    if (kind !== "noWait" && mustWait(state)) return waitFor(context);
    const execution = new Execution(context);
    // Before a pop or a push moves it: where the operand lies.
    const data = execution.memoryOffset();
    const fault = operation(execution);
    if (fault === null && kind === "wait") leavePointers(execution, data);
    return fault;
  };
}

/**
 * FDP follows every instruction with an operand in memory, whether it raises something or not: so it was from the
 * 8087 on, and so it is where CPUID.(EAX=07H,ECX=0H):EBX[6] (FDP_EXCPTN_ONLY) is clear, as in AMD's family 1Ah.
 */
function leavePointers({ unit, context }: Execution, data: bigint | null): void {
  const { form, modrm } = context.decoded;
  unit.instructionPointer = startOf(context);
  unit.opcode = ((form.opcode & 7) << 8) | modrm;
  if (data !== null) unit.dataPointer = data;
}

/** The offset of the instruction itself. */
function startOf({ state, nextRip, decoded }: AssistContext): bigint {
  return BigInt.asUintN(codeSizeOf(state) === 64 ? 64 : 32, nextRip - BigInt(decoded.length));
}

/** WAIT: #NM takes both CR0.MP and CR0.TS. SDM Vol. 3, "Device-Not-Available Exception (#NM)". */
export function wait(context: AssistContext): Fault | null {
  const both = CR0.MP | CR0.TS;
  if ((context.state.control("CR0") & both) === both) return plainFault("#NM");
  return mustWait(context.state) ? waitFor(context) : null;
}

/** An exception is pending, and a waiting instruction has to do something about it. */
export function mustWait(state: CpuState): boolean {
  if (!new X87Unit(state).isPending) return false;
  const ignores = (state.view.getUint8(OFFSET.x87Wires) & WIRES.IGNNE) !== 0;
  return state.has("CR0", CR0.NE) || !ignores;
}

/**
 * #MF with CR0.NE. Without, the instruction asserts FERR# and waits, that is, it is executed again and again, until
 * an interrupt that the board makes of it leads to code that ends the exception or asserts IGNNE# (SDM Vol. 1, "MS-DOS
 * Compatibility Sub-mode").
 */
export function waitFor(context: AssistContext): Fault | null {
  const { state, environment } = context;
  if (state.has("CR0", CR0.NE)) return { vector: VECTORS["#MF"], errorCode: null, address: null };
  const wires = state.view.getUint8(OFFSET.x87Wires);
  if ((wires & WIRES.FERR) === 0) environment.assertFerr();
  state.view.setUint8(OFFSET.x87Wires, wires | WIRES.FERR);
  state.rip = startOf(context);
  return null;
}
