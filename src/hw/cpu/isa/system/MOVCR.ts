/**
 * MOV: move to and from control registers. SDM Vol. 2B, "MOV—Move to/from Control Registers". What writes check and do
 * is in control-registers.ts.
 */

import type { AssistFunction } from "../../assist.ts";
import { writeControl } from "../../control-registers.ts";
import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { is64Bit } from "../../mode.ts";
import { isFault } from "../../mmu.ts";
import { systemInstruction, UD, writeGpr } from "../../system.ts";
import type { ControlRead } from "../../virtualization.ts";

const NAMES: Readonly<Record<number, ControlRead>> = {
  0: "CR0",
  2: "CR2",
  3: "CR3",
  4: "CR4",
  8: "CR8",
};

const read: AssistFunction = (context) => {
  const { state, virtualization } = context;
  const name = NAMES[context.register(1)];
  if (name === undefined) return UD;
  if (state.cpl !== 0) return GP0;
  const register = context.register(0);
  const value =
    state.isGuest && virtualization !== undefined
      ? virtualization.readControl(context, "MOV", name, register)
      : state.control(name);
  if (isFault(value)) return value;
  writeGpr(state, register, is64Bit(state) ? 64 : 32, value);
  return null;
};

const write: AssistFunction = (context) => {
  const { state } = context;
  const name = NAMES[context.register(0)];
  if (name === undefined) return UD;
  if (state.cpl !== 0) return GP0;
  const register = context.register(1);
  const given = BigInt.asUintN(is64Bit(state) ? 64 : 32, state.gpr(register));
  return writeControl(context, { by: "MOV", name, value: given, register });
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
