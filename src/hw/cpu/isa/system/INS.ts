/** INS: input from port to string. SDM Vol. 2A, "INS/INSB/INSW/INSD—Input from Port to String". */

import { isFault } from "../../mmu.ts";
import { checkPort, portOf, portStrings } from "../../ports.ts";
import { RDI } from "../../system.ts";

/** The place is tried before the port is read, since that can change a device. */
export const INS = portStrings("INS", ["6C", "6D"], RDI, (context, size, pointer) => {
  const { state, environment, decoded } = context;
  const port = portOf(context);
  const fault = checkPort(context, { port, size, input: true, string: true });
  if (fault !== null) return fault;
  const at = BigInt.asUintN(decoded.addressSize, state.gpr(pointer));
  const tried = context.load("ES", at, size, "modify");
  if (isFault(tried)) return tried;
  return context.store("ES", at, size, BigInt(environment.readPort(port, size)));
});
