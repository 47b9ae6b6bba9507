/** PCMPEQQ: ones where equal. SDM Vol. 2B, "PCMPEQQ—Compare Packed Qword Data for Equal". */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PCMPEQQ = vectorInstruction("PCMPEQQ", {
  feature: "SSE4.1",
  forms: [["66 0F 38 29 /r", "xmm1, xmm2/m128"]],
  semantics: packedInteger("eq", 64),
});
