/** SMSW: store machine status word. SDM Vol. 2B, "SMSW—Store Machine Status Word". A register of 32 or 64 bits takes as many of CR0. */

import { systemInstruction } from "../../system.ts";
import { mayStoreTables } from "./SGDT.ts";
import { GP0 } from "../../fault.ts";
import { isFault } from "../../mmu.ts";

export const SMSW = systemInstruction(
  "SMSW",
  {
    forms: [
      ["0F 01 /4", "r/m16"],
      ["0F 01 /4", "r32/m16"],
      ["REX.W + 0F 01 /4", "r64/m16"],
    ],
  },
  (context) => {
    const { state, decoded, virtualization } = context;
    if (!mayStoreTables(state)) return GP0;
    const value =
      state.isGuest && virtualization !== undefined
        ? virtualization.readControl(context, "SMSW", "CR0", 0)
        : state.control("CR0");
    if (isFault(value)) return value;
    const width = context.operand(0).is === "memory" ? 16 : decoded.operandSize;
    return context.writeOperand(0, width, BigInt.asUintN(width, value));
  },
);
