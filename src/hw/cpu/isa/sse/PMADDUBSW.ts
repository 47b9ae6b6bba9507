/**
 * PMADDUBSW: saturated sums of two neighbouring products of unsigned and signed bytes.
 * SDM Vol. 2B, "PMADDUBSW—Multiply and Add Packed Signed and Unsigned Bytes".
 */

import { packedInteger } from "../../vector-patterns.ts";
import { vectorInstruction } from "../../vector-semantics.ts";

export const PMADDUBSW = vectorInstruction("PMADDUBSW", {
  feature: "SSSE3",
  forms: [
    ["NP 0F 38 04 /r", "mm, mm/m64"],
    ["66 0F 38 04 /r", "xmm1, xmm2/m128"],
  ],
  semantics: packedInteger("mulAddMixed", 8),
});
