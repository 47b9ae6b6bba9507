/** The instructions that save and restore state, one line each. */

import type { Instruction } from "../../instruction.ts";
import { FXRSTOR } from "./FXRSTOR.ts";
import { FXSAVE } from "./FXSAVE.ts";
import { XGETBV } from "./XGETBV.ts";
import { XRSTOR } from "./XRSTOR.ts";
import { XSAVE } from "./XSAVE.ts";
import { XSAVEC } from "./XSAVEC.ts";
import { XSAVEOPT } from "./XSAVEOPT.ts";
import { XSETBV } from "./XSETBV.ts";

export const XSAVE_INSTRUCTIONS: readonly Instruction[] = [
  ...FXRSTOR,
  ...FXSAVE,
  XGETBV,
  ...XRSTOR,
  ...XSAVE,
  ...XSAVEC,
  ...XSAVEOPT,
  XSETBV,
];
