/** MFENCE: memory fence. SDM Vol. 2B, "MFENCE—Memory Fence". Memory is accessed in order, so there is nothing to wait for. The low three bits of the last byte are ignored. */

import { instruction } from "../instruction.ts";

export const MFENCE = instruction("MFENCE", {
  feature: "SSE2",
  forms: [
    ["NP 0F AE F0", ""],
    ["NP 0F AE F1", ""],
    ["NP 0F AE F2", ""],
    ["NP 0F AE F3", ""],
    ["NP 0F AE F4", ""],
    ["NP 0F AE F5", ""],
    ["NP 0F AE F6", ""],
    ["NP 0F AE F7", ""],
  ],
  semantics: () => undefined,
});
