/**
 * What every x87 instruction begins and ends with: whether the unit may be used, exceptions that are pending, and the
 * pointers to the last instruction. SDM Vol. 1, "x87 FPU Floating-Point Exception Handling", "x87 FPU Instruction and
 * Data (Operand) Pointers"; Vol. 3, "Control Registers".
 */

import type { AssistContext, AssistFunction } from "../assist.ts";
import { type Fault, plainFault } from "../fault.ts";
import { type Instruction, type InstructionText, instruction } from "../instruction.ts";
import { CR0 } from "../state.ts";
import { Execution } from "./execution.ts";
import { mustWait, startOf, waitFor } from "./pending.ts";

export type X87Operation = (x: Execution) => Fault | null;

/**
 * `wait` instructions wait for pending exceptions and leave pointers to themselves; `control` instructions wait and
 * leave none; `noWait` neither.
 */
export type X87Kind = "wait" | "control" | "noWait";

export interface X87Text extends Pick<InstructionText, "forms" | "feature"> {
  /** `wait` where absent. */
  readonly kind?: X87Kind;
  readonly operation: X87Operation;
}

export function x87Instruction(mnemonic: string, text: X87Text): Instruction {
  const { forms, operation, kind = "wait", feature = "FPU" } = text;
  const semantics: InstructionText["semantics"] = (u) => u.assist(guarded(operation, kind));
  return instruction(mnemonic, { feature, forms, semantics });
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

/** WAIT: #NM takes both CR0.MP and CR0.TS. SDM Vol. 3, "Device-Not-Available Exception (#NM)". */
export function wait(context: AssistContext): Fault | null {
  const both = CR0.MP | CR0.TS;
  if ((context.state.control("CR0") & both) === both) return plainFault("#NM");
  return mustWait(context.state) ? waitFor(context) : null;
}
