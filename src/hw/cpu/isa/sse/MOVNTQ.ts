/**
 * MOVNTQ: a store; the hint changes nothing here.
 * SDM Vol. 2B, "MOVNTQ—Store of Quadword Using Non-Temporal Hint".
 */

import { vectorInstruction } from "../../vector-semantics.ts";

export const MOVNTQ = vectorInstruction("MOVNTQ", {
  feature: "SSE",
  forms: [["NP 0F E7 /r", "m64, mm"]],
  semantics: (v, dst, src) => v.store(dst, v.extract(v.read(src), 64, 0)),
});
