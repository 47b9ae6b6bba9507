/** PREFETCHW: prefetch data in anticipation of a write. SDM Vol. 2B, "PREFETCHW—Prefetch Data Into Caches in Anticipation of a Write". There are no caches. */

import { instruction } from "../instruction.ts";

export const PREFETCHW = instruction("PREFETCHW", {
  forms: [["0F 0D /1", "m8"]],
  semantics: () => undefined,
});
