/** SWAPGS: exchanges the base of GS with IA32_KERNEL_GS_BASE. SDM Vol. 2B, "SWAPGS—Swap GS Base Register". */

import { readSlot, writeSlot } from "../../msr/slots.ts";
import { privilegedInstruction } from "../../system.ts";

export const SWAPGS = privilegedInstruction(
  "SWAPGS",
  { forms: [["0F 01 F8", "", { modes: "V/I" }]] },
  ({ state }) => {
    const base = readSlot(state, "IA32_KERNEL_GS_BASE");
    writeSlot(state, "IA32_KERNEL_GS_BASE", state.segmentBase("GS"));
    state.setSegment("GS", { ...state.segment("GS"), base });
    return null;
  },
);
