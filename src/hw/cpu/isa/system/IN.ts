/** IN: input from port. SDM Vol. 2A, "IN—Input From Port". */

import type { AssistFunction } from "../../assist.ts";
import { checkPort } from "../../ports.ts";
import { RAX, RDX, systemInstruction, writeGpr } from "../../system.ts";

const SIZES = { AL: 1, AX: 2, EAX: 4 } as const;

const input: AssistFunction = (context) => {
  const { state, environment, decoded } = context;
  const size = SIZES[decoded.form.operands[0]?.text as keyof typeof SIZES];
  const named = context.operand(1);
  const port = Number(named.is === "immediate" ? named.value : state.gpr(RDX) & 0xffffn);
  const fault = checkPort(context, { port, size, input: true, string: false });
  if (fault !== null) return fault;
  const value = BigInt(environment.readPort(port, size));
  if (size === 1) state.setGpr8(RAX, false, Number(value));
  else writeGpr(state, RAX, 8 * size, value);
  return null;
};

export const IN = systemInstruction(
  "IN",
  {
    forms: [
      ["E4 ib", "AL, imm8"],
      ["E5 ib", "AX, imm8"],
      ["E5 ib", "EAX, imm8", { sizes: [32, 64] }],
      ["EC", "AL, DX"],
      ["ED", "AX, DX"],
      ["ED", "EAX, DX", { sizes: [32, 64] }],
    ],
  },
  input,
);
