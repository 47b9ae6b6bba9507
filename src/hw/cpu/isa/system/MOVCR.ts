/**
 * MOV: move to and from control registers. SDM Vol. 2B, "MOV—Move to/from Control Registers". What writes check and do
 * is in control-registers.ts.
 */

import type { AssistFunction } from "../../assist.ts";
import { writeCr0, writeCr3, writeCr4, writeCr8 } from "../../control-registers.ts";
import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { is64Bit } from "../../mode.ts";
import type { ControlName } from "../../state.ts";
import { systemInstruction, UD, writeGpr } from "../../system.ts";

const NAMES: Readonly<Record<number, ControlName>> = {
  0: "CR0",
  2: "CR2",
  3: "CR3",
  4: "CR4",
  8: "CR8",
};

const read: AssistFunction = (context) => {
  const { state } = context;
  const name = NAMES[context.register(1)];
  if (name === undefined) return UD;
  if (state.cpl !== 0) return GP0;
  writeGpr(state, context.register(0), is64Bit(state) ? 64 : 32, state.control(name));
  return null;
};

const write: AssistFunction = (context) => {
  const { state } = context;
  const name = NAMES[context.register(0)];
  if (name === undefined) return UD;
  if (state.cpl !== 0) return GP0;
  const value = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(context.register(1)));
  switch (name) {
    case "CR0":
      return writeCr0(context, value);
    case "CR3":
      return writeCr3(context, value);
    case "CR4":
      return writeCr4(context, value);
    case "CR8":
      return writeCr8(context, value);
    default:
      state.setControl("CR2", value);
      return null;
  }
};

export const MOVCR: readonly Instruction[] = [
  systemInstruction(
    "MOV",
    {
      forms: [
        ["0F 20 /r", "r32, CR0-CR7", { sizes: [null], modes: "NE/V" }],
        ["0F 20 /r", "r64, CR0-CR7", { sizes: [null], modes: "V/NE" }],
      ],
    },
    read,
  ),
  systemInstruction(
    "MOV",
    {
      forms: [
        ["0F 22 /r", "CR0-CR7, r32", { sizes: [null], modes: "NE/V" }],
        ["0F 22 /r", "CR0-CR7, r64", { sizes: [null], modes: "V/NE" }],
      ],
    },
    write,
  ),
];
