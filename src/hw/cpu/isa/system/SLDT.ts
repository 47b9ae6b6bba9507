/** SLDT, STR: store the selector of LDTR and TR. SDM Vol. 2B, "SLDT—Store Local Descriptor Table Register", "STR—Store Task Register". */

import { GP0 } from "../../fault.ts";
import type { Instruction } from "../../instruction.ts";
import { isRealAddressing } from "../../mode.ts";
import { systemInstruction, UD } from "../../system.ts";
import { mayStoreTables } from "./SGDT.ts";

const store = (name: "SLDT" | "STR", digit: number, segment: "LDTR" | "TR"): Instruction =>
  systemInstruction(
    name,
    {
      forms: [
        [`0F 00 /${digit}`, "r/m16"],
        [`0F 00 /${digit}`, "r32/m16"],
        [`REX.W + 0F 00 /${digit}`, "r64/m16"],
      ],
    },
    (context) => {
      const { state, decoded } = context;
      if (isRealAddressing(state)) return UD;
      if (!mayStoreTables(state)) return GP0;
      const intercepted = context.intercepted(name);
      if (intercepted !== null) return intercepted;
      const width = context.operand(0).is === "memory" ? 16 : decoded.operandSize;
      return context.writeOperand(0, width, BigInt(state.systemSegment(segment).selector));
    },
  );

export const SLDT: readonly Instruction[] = [store("SLDT", 0, "LDTR"), store("STR", 1, "TR")];
