/** What the instructions of SVM share: APM Vol. 2, "Enabling SVM"; Vol. 3, their entries under "Exceptions". */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0 } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { isVirtual8086 } from "../mode.ts";
import { CR0, EFER } from "../state.ts";
import { RAX, systemInstruction, UD } from "../system.ts";
import { Svm } from "./svm.ts";

export const svmOf = ({ virtualization }: AssistContext): Svm | null =>
  virtualization instanceof Svm ? virtualization : null;

/** #UD without EFER.SVME or outside protected mode, #GP(0) above CPL 0; the trace says which. */
export function svmInstruction(
  mnemonic: string,
  opcode: string,
  run: (context: AssistContext, svm: Svm) => Fault | null,
): Instruction {
  const section = `APM Vol. 3, "${mnemonic}"`;
  return systemInstruction(mnemonic, { feature: "SVM", forms: [[opcode, ""]] }, (context) => {
    const { state, environment } = context;
    const svm = svmOf(context);
    const refuse = (outcome: string, check: string, field: string, value: bigint): void =>
      environment.explain({ outcome, check, field, value, section });
    if (svm === null || !state.has("EFER", EFER.SVME)) {
      refuse("#UD", "EFER.SVME is set", "EFER", state.control("EFER"));
      return UD;
    }
    if (!state.has("CR0", CR0.PE) || isVirtual8086(state)) {
      refuse("#UD", "the mode is protected", "CR0", state.control("CR0"));
      return UD;
    }
    if (state.cpl !== 0) {
      refuse("#GP(0)", "CPL is 0", "CPL", BigInt(state.cpl));
      return GP0;
    }
    return run(context, svm);
  });
}

/** The address of a VMCB in rAX: of a page, and physical. */
export function vmcbAddress(context: AssistContext): number | Fault {
  const { state, environment, decoded } = context;
  const address = BigInt.asUintN(decoded.addressSize, state.gpr(RAX));
  const isPage = (address & 0xfffn) === 0n;
  if (isPage && address >> BigInt(environment.profile.physicalBits) === 0n) return Number(address);
  environment.explain({
    outcome: "#GP(0)",
    check: "rAX is the physical address of a page",
    field: "rAX",
    value: address,
    section: 'APM Vol. 2, "VMRUN Instruction"',
  });
  return GP0;
}
