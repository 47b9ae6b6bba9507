/** IRET, IRETD, IRETQ: return from an interrupt. SDM Vol. 2A, "IRET/IRETD/IRETQ—Interrupt Return". */

import { type Instruction, instruction } from "../instruction.ts";
import { returnFromInterrupt } from "../transfer/return.ts";

const interruptReturn = (
  mnemonic: string,
  form: Parameters<typeof instruction>[1]["forms"][0],
): Instruction =>
  instruction(mnemonic, {
    forms: [form],
    semantics: (u) =>
      u.assist(
        (context) =>
          context.intercepted("IRET") ?? returnFromInterrupt(context, context.decoded.operandSize),
      ),
  });

export const IRET: readonly Instruction[] = [
  interruptReturn("IRET", ["CF", "", { sizes: [16] }]),
  interruptReturn("IRETD", ["CF", "", { sizes: [32] }]),
  interruptReturn("IRETQ", ["REX.W + CF", "", { modes: "V/NE" }]),
];
