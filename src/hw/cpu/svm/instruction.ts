/** What the instructions of SVM share: APM Vol. 2, "Enabling SVM"; Vol. 3, their entries under "Exceptions". */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0 } from "../fault.ts";
import type { Instruction } from "../instruction.ts";
import { isVirtual8086 } from "../mode.ts";
import { BIT, type CpuState } from "../state.ts";
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
  const text = { feature: "SVM", forms: [[opcode, ""]] } as const;
  return systemInstruction(mnemonic, text, (context) => {
    const { state, environment } = context;
    const svm = svmOf(context);
    const failed =
      svm === null || !state.has("EFER", BIT.EFER.SVME)
        ? SVME
        : !state.has("CR0", BIT.CR0.PE) || isVirtual8086(state)
          ? PROTECTED
          : state.cpl === 0
            ? null
            : PRIVILEGE;
    if (failed === null && svm !== null) return run(context, svm);
    const { outcome, check, field, valueOf } = failed ?? SVME;
    environment.explain({ outcome, check, field, value: valueOf(state), section });
    return outcome === "#UD" ? UD : GP0;
  });
}

interface Condition {
  readonly outcome: "#UD" | "#GP(0)";
  readonly check: string;
  readonly field: string;
  readonly valueOf: (state: CpuState) => bigint;
}

const SVME: Condition = {
  outcome: "#UD",
  check: "EFER.SVME is set",
  field: "EFER",
  valueOf: (state) => state.control("EFER"),
};
const PROTECTED: Condition = {
  outcome: "#UD",
  check: "the mode is protected",
  field: "CR0",
  valueOf: (state) => state.control("CR0"),
};
const PRIVILEGE: Condition = {
  outcome: "#GP(0)",
  check: "CPL is 0",
  field: "CPL",
  valueOf: (state) => BigInt(state.cpl),
};

/** The address of a VMCB in rAX: of a page, and physical. */
export function vmcbAddress({ state, environment, decoded }: AssistContext): number | Fault {
  const low = state.words[0] as number;
  const high = decoded.addressSize === 64 ? (state.words[1] as number) : 0;
  const isPage = (low & 0xfff) === 0;
  if (isPage && high >>> (environment.profile.physicalBits - 32) === 0)
    return (low >>> 0) + high * 2 ** 32;
  environment.explain({
    outcome: "#GP(0)",
    check: "rAX is the physical address of a page",
    field: "rAX",
    value: state.gpr(RAX),
    section: 'APM Vol. 2, "VMRUN Instruction"',
  });
  return GP0;
}
