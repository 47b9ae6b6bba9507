/**
 * MOV: move to and from debug registers. SDM Vol. 2B, "MOV—Move to/from Debug Registers"; Vol. 3, "Debug Registers".
 * With DR7.GD an access is #DB before it is done, and DR6.BD says so.
 */

import type { AssistContext, AssistFunction } from "../../assist.ts";
import { debugValue, DR6, DR7_GD } from "../../debug.ts";
import { type Fault, fault, GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { is64Bit } from "../../mode.ts";
import { BIT, type DebugName } from "../../state.ts";
import { LOW_32, systemInstruction, UD, writeGpr } from "../../system.ts";

const NAMES: readonly (DebugName | null)[] = ["DR0", "DR1", "DR2", "DR3", null, null, "DR6", "DR7"];

/** Without CR4.DE, DR4 and DR5 are other names of DR6 and DR7. */
function registerOf({ state }: AssistContext, number: number): DebugName | null {
  const alias =
    (number === 4 || number === 5) && !state.has("CR4", BIT.CR4.DE) ? number + 2 : number;
  return NAMES[alias] ?? null;
}

function refuses(context: AssistContext, operand: 0 | 1): Fault | null {
  const { state, virtualization } = context;
  if (state.cpl !== 0) return GP0;
  const intercepted = state.isGuest
    ? virtualization?.debugRegister(
        context,
        context.register(operand),
        operand === 0,
        context.register(1 - operand),
      )
    : null;
  if (intercepted) return intercepted;
  if ((state.debug("DR7") & DR7_GD) === 0n) return null;
  return { ...fault("#DB", null), debug: DR6.BD };
}

const read: AssistFunction = (context) => {
  const { state } = context;
  const name = registerOf(context, context.register(1));
  if (name === null) return UD;
  const refused = refuses(context, 1);
  if (refused !== null) return refused;
  writeGpr(state, context.register(0), is64Bit(state) ? 64 : 32, state.debug(name));
  return null;
};

const write: AssistFunction = (context) => {
  const { state, memory } = context;
  const name = registerOf(context, context.register(0));
  if (name === null) return UD;
  const refused = refuses(context, 0);
  if (refused !== null) return refused;
  const value = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(context.register(1)));
  const hasReserved = name === "DR6" || name === "DR7";
  if (hasReserved && value > LOW_32) return GP0;
  state.setDebug(name, hasReserved ? debugValue(name, value) : value);
  // Breakpoints on code and data may begin or end here.
  state.attention = true;
  memory.contextChanged();
  return null;
};

export const MOVDR: readonly Instruction[] = [
  systemInstruction(
    "MOV",
    {
      forms: [
        ["0F 21 /r", "r32, DR0-DR7", { sizes: [null], modes: "NE/V" }],
        ["0F 21 /r", "r64, DR0-DR7", { sizes: [null], modes: "V/NE" }],
      ],
    },
    read,
  ),
  systemInstruction(
    "MOV",
    {
      forms: [
        ["0F 23 /r", "DR0-DR7, r32", { sizes: [null], modes: "NE/V" }],
        ["0F 23 /r", "DR0-DR7, r64", { sizes: [null], modes: "V/NE" }],
      ],
    },
    write,
  ),
];
