/** OUT: output to port. SDM Vol. 2B, "OUT—Output to Port". */

import type { AssistFunction } from "../../assist.ts";
import { checkPort } from "../../ports.ts";
import { RAX, RDX, systemInstruction } from "../../system.ts";

const SIZES = { AL: 1, AX: 2, EAX: 4 } as const;

const output: AssistFunction = (context) => {
  const { state, environment, decoded } = context;
  const size = SIZES[decoded.form.operands[1]?.text as keyof typeof SIZES];
  const named = context.operand(0);
  const port = Number(named.is === "immediate" ? named.value : state.gpr(RDX) & 0xffffn);
  const fault = checkPort(context, { port, size, input: false, string: false });
  if (fault !== null) return fault;
  environment.writePort(port, size, Number(BigInt.asUintN(8 * size, state.gpr(RAX))));
  return null;
};

export const OUT = systemInstruction(
  "OUT",
  {
    forms: [
      ["E6 ib", "imm8, AL"],
      ["E7 ib", "imm8, AX"],
      ["E7 ib", "imm8, EAX", { sizes: [32, 64] }],
      ["EE", "DX, AL"],
      ["EF", "DX, AX"],
      ["EF", "DX, EAX", { sizes: [32, 64] }],
    ],
  },
  output,
);
