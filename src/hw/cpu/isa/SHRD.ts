/** SHRD: double precision shift right. SDM Vol. 2B, "SHRD—Double Precision Shift Right". */

import { doubleShift } from "../double-shift.ts";
import { instruction } from "../instruction.ts";

export const SHRD = instruction("SHRD", {
  forms: [
    ["0F AC /r ib", "r/m16, r16, imm8"],
    ["0F AD /r", "r/m16, r16, CL"],
    ["0F AC /r ib", "r/m32, r32, imm8"],
    ["REX.W + 0F AC /r ib", "r/m64, r64, imm8"],
    ["0F AD /r", "r/m32, r32, CL"],
    ["REX.W + 0F AD /r", "r/m64, r64, CL"],
  ],
  semantics: (u, dst, src, by) => doubleShift(u, dst, src, by, "shr"),
});
