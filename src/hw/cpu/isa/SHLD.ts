/** SHLD: double precision shift left. SDM Vol. 2B, "SHLD—Double Precision Shift Left". */

import { doubleShift } from "../double-shift.ts";
import { instruction } from "../instruction.ts";

export const SHLD = instruction("SHLD", {
  forms: [
    ["0F A4 /r ib", "r/m16, r16, imm8"],
    ["0F A5 /r", "r/m16, r16, CL"],
    ["0F A4 /r ib", "r/m32, r32, imm8"],
    ["REX.W + 0F A4 /r ib", "r/m64, r64, imm8"],
    ["0F A5 /r", "r/m32, r32, CL"],
    ["REX.W + 0F A5 /r", "r/m64, r64, CL"],
  ],
  semantics: (u, dst, src, by) => doubleShift(u, dst, src, by, "shl"),
});
