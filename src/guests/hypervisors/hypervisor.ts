/** What a smallest hypervisor is for those who measure or check guests: one of VMX and one of SVM. */

import { startLongMode } from "../../hw/cpu/start.ts";
import { type BareSystem, type BareSystemParts, SELECTORS, STACK } from "../bare-system.ts";

export interface Hypervisor {
  readonly name: "vmx" | "svm";
  /** The instruction with which a guest calls it. */
  readonly call: "vmcall" | "vmmcall";
  /**
   * A bare system with code as the guest of a host. The host goes `rounds`: behind each call of its guest it enters
   * again and counts in R15; or it runs the guest `once`, and halts when that comes to an end at UD2.
   */
  run(
    code: Uint8Array,
    given: Omit<BareSystemParts, "profile">,
    how: "rounds" | "once",
  ): BareSystem;
}

const RSP = 4;

/** The state becomes that of a host that begins at `rip` with CPL 0. */
export function becomeHost({ state }: BareSystem, rip: number): void {
  startLongMode(state, 0);
  state.setSegment("CS", { ...state.segment("CS"), selector: SELECTORS.kernelCode });
  state.setSegment("SS", { ...state.segment("SS"), selector: SELECTORS.kernelData });
  state.rip = BigInt(rip);
  state.setGpr(RSP, BigInt(STACK.kernel));
}
