/** EMMS: empties the x87 registers after MMX instructions. SDM Vol. 2A, "EMMS—Empty MMX Technology State". */

import type { AssistContext } from "../../assist.ts";
import { type Fault, plainFault } from "../../fault.ts";
import { instruction } from "../../instruction.ts";
import { BIT } from "../../state.ts";
import { mustWait, waitFor } from "../../x87/pending.ts";
import { X87Unit } from "../../x87/unit.ts";

function empty(context: AssistContext): Fault | null {
  const { state } = context;
  if (state.has("CR0", BIT.CR0.EM)) return plainFault("#UD");
  if (state.has("CR0", BIT.CR0.TS)) return plainFault("#NM");
  if (mustWait(state)) return waitFor(context);
  const unit = new X87Unit(state);
  // TOP too, as in AMD's processors.
  unit.enterMmx();
  unit.abridgedTags = 0;
  return null;
}

export const EMMS = instruction("EMMS", {
  feature: "MMX",
  forms: [["NP 0F 77", ""]],
  semantics: (u) => u.assist(empty),
});
