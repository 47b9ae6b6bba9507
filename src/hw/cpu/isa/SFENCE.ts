/** SFENCE: store fence. SDM Vol. 2B, "SFENCE—Store Fence". Memory is accessed in order, so there is nothing to wait for. The low three bits of the last byte are ignored. */

import { instruction } from "../instruction.ts";

export const SFENCE = instruction("SFENCE", {
  feature: "SSE",
  forms: [
    ["NP 0F AE F8", ""],
    ["NP 0F AE F9", ""],
    ["NP 0F AE FA", ""],
    ["NP 0F AE FB", ""],
    ["NP 0F AE FC", ""],
    ["NP 0F AE FD", ""],
    ["NP 0F AE FE", ""],
    ["NP 0F AE FF", ""],
  ],
  semantics: () => undefined,
});
