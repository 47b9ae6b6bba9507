/** STMXCSR: stores MXCSR. SDM Vol. 2B, "STMXCSR—Store MXCSR Register State". */

import { vectorInstruction } from "../../vector-semantics.ts";

export const STMXCSR = vectorInstruction("STMXCSR", {
  feature: "SSE",
  forms: [["NP 0F AE /3", "m32", { sizes: [null] }]],
  semantics: (v, dst) => v.store(dst, v.mxcsr()),
});
