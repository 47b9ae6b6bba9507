/** OUTS: output string to port. SDM Vol. 2B, "OUTS/OUTSB/OUTSW/OUTSD—Output String to Port". */

import { isFault } from "../../mmu.ts";
import { checkPort, portOf, portStrings } from "../../ports.ts";
import { RSI } from "../../system.ts";

export const OUTS = portStrings("OUTS", ["6E", "6F"], RSI, (context, size, pointer) => {
  const { state, environment, decoded } = context;
  const port = portOf(context);
  const fault = checkPort(context, { port, size, input: false, string: true });
  if (fault !== null) return fault;
  const at = BigInt.asUintN(decoded.addressSize, state.gpr(pointer));
  const value = context.load("effective", at, size);
  if (isFault(value)) return value;
  environment.writePort(port, size, Number(value));
  return null;
});
