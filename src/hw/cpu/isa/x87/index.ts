/** The x87 instructions, one line each. */

import type { Instruction } from "../../instruction.ts";
import { F2XM1 } from "./F2XM1.ts";
import { FABS } from "./FABS.ts";
import { FADD } from "./FADD.ts";
import { FBLD } from "./FBLD.ts";
import { FBSTP } from "./FBSTP.ts";
import { FCHS } from "./FCHS.ts";
import { FCLEX } from "./FCLEX.ts";
import { FCMOVcc } from "./FCMOVcc.ts";
import { FCOM } from "./FCOM.ts";
import { FCOMI } from "./FCOMI.ts";
import { FCOS } from "./FCOS.ts";
import { FDECSTP } from "./FDECSTP.ts";
import { FDIV } from "./FDIV.ts";
import { FDIVR } from "./FDIVR.ts";
import { FENI } from "./FENI.ts";
import { FFREE } from "./FFREE.ts";
import { FICOM } from "./FICOM.ts";
import { FILD } from "./FILD.ts";
import { FINCSTP } from "./FINCSTP.ts";
import { FINIT } from "./FINIT.ts";
import { FIST } from "./FIST.ts";
import { FISTTP } from "./FISTTP.ts";
import { FLD } from "./FLD.ts";
import { FLD1 } from "./FLD1.ts";
import { FLDCW } from "./FLDCW.ts";
import { FLDENV } from "./FLDENV.ts";
import { FMUL } from "./FMUL.ts";
import { FNOP } from "./FNOP.ts";
import { FPATAN } from "./FPATAN.ts";
import { FPREM } from "./FPREM.ts";
import { FPREM1 } from "./FPREM1.ts";
import { FPTAN } from "./FPTAN.ts";
import { FRNDINT } from "./FRNDINT.ts";
import { FRSTOR } from "./FRSTOR.ts";
import { FSAVE } from "./FSAVE.ts";
import { FSCALE } from "./FSCALE.ts";
import { FSIN } from "./FSIN.ts";
import { FSINCOS } from "./FSINCOS.ts";
import { FSQRT } from "./FSQRT.ts";
import { FST } from "./FST.ts";
import { FSTCW } from "./FSTCW.ts";
import { FSTENV } from "./FSTENV.ts";
import { FSTSW } from "./FSTSW.ts";
import { FSUB } from "./FSUB.ts";
import { FSUBR } from "./FSUBR.ts";
import { FTST } from "./FTST.ts";
import { FUCOM } from "./FUCOM.ts";
import { FXAM } from "./FXAM.ts";
import { FXCH } from "./FXCH.ts";
import { FXTRACT } from "./FXTRACT.ts";
import { FYL2X } from "./FYL2X.ts";
import { FYL2XP1 } from "./FYL2XP1.ts";
import { WAIT } from "./WAIT.ts";

export const X87_INSTRUCTIONS: readonly Instruction[] = [
  F2XM1,
  FABS,
  ...FADD,
  FBLD,
  FBSTP,
  FCHS,
  FCLEX,
  ...FCMOVcc,
  ...FCOM,
  ...FCOMI,
  FCOS,
  FDECSTP,
  ...FDIV,
  ...FDIVR,
  ...FENI,
  ...FFREE,
  ...FICOM,
  FILD,
  FINCSTP,
  FINIT,
  ...FIST,
  FISTTP,
  FLD,
  ...FLD1,
  FLDCW,
  FLDENV,
  ...FMUL,
  FNOP,
  FPATAN,
  FPREM,
  FPREM1,
  FPTAN,
  FRNDINT,
  FRSTOR,
  FSAVE,
  FSCALE,
  FSIN,
  FSINCOS,
  FSQRT,
  ...FST,
  FSTCW,
  FSTENV,
  FSTSW,
  ...FSUB,
  ...FSUBR,
  FTST,
  ...FUCOM,
  FXAM,
  FXCH,
  FXTRACT,
  FYL2X,
  FYL2XP1,
  WAIT,
];
