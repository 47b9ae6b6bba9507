/** The instructions of SVM, one line each. */

import type { Instruction } from "../../instruction.ts";
import { INVLPGA } from "./INVLPGA.ts";
import { STGI } from "./STGI.ts";
import { VMLOAD } from "./VMLOAD.ts";
import { VMMCALL } from "./VMMCALL.ts";
import { VMRUN } from "./VMRUN.ts";
import { VMSAVE } from "./VMSAVE.ts";

export const SVM_INSTRUCTIONS: readonly Instruction[] = [
  INVLPGA,
  ...STGI,
  VMLOAD,
  VMMCALL,
  VMRUN,
  VMSAVE,
];
