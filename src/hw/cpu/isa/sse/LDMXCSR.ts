/** LDMXCSR: loads MXCSR; a reserved bit is #GP(0). SDM Vol. 2A, "LDMXCSR—Load MXCSR Register". */

import { vectorInstruction } from "../../vector-semantics.ts";

const RESERVED = 0xffff_0000;

export const LDMXCSR = vectorInstruction("LDMXCSR", {
  feature: "SSE",
  forms: [["NP 0F AE /2", "m32", { sizes: [null] }]],
  semantics: (v, src) => {
    const value = v.u.read(src);
    const reserved = v.u.and(value, v.u.const(32, RESERVED));
    v.u.faultIf(v.u.isNotZero(reserved), "#GP(0)");
    v.setMxcsr(value);
  },
});
