/** LFENCE: load fence. SDM Vol. 2A, "LFENCE—Load Fence". Memory is accessed in order, so there is nothing to wait for. The low three bits of the last byte are ignored. */

import { instruction } from "../instruction.ts";

export const LFENCE = instruction("LFENCE", {
  feature: "SSE2",
  forms: [
    ["NP 0F AE E8", ""],
    ["NP 0F AE E9", ""],
    ["NP 0F AE EA", ""],
    ["NP 0F AE EB", ""],
    ["NP 0F AE EC", ""],
    ["NP 0F AE ED", ""],
    ["NP 0F AE EE", ""],
    ["NP 0F AE EF", ""],
  ],
  semantics: () => undefined,
});
