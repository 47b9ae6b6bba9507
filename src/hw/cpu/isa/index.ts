/** Every instruction, one line each. */

import type { Instruction } from "../instruction.ts";
import { ADC } from "./ADC.ts";
import { ADD } from "./ADD.ts";
import { AND } from "./AND.ts";
import { CMP } from "./CMP.ts";
import { Jcc } from "./Jcc.ts";
import { MOV } from "./MOV.ts";
import { OR } from "./OR.ts";
import { SBB } from "./SBB.ts";
import { SUB } from "./SUB.ts";
import { XOR } from "./XOR.ts";

export const INSTRUCTIONS: readonly Instruction[] = [
  ADC,
  ADD,
  AND,
  CMP,
  ...Jcc,
  MOV,
  OR,
  SBB,
  SUB,
  XOR,
];
