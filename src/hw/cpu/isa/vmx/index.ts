/** The instructions of VMX, one line each. */

import type { Instruction } from "../../instruction.ts";
import { INVEPT } from "./INVEPT.ts";
import { INVVPID } from "./INVVPID.ts";
import { VMCALL } from "./VMCALL.ts";
import { VMCLEAR } from "./VMCLEAR.ts";
import { VMFUNC } from "./VMFUNC.ts";
import { VMLAUNCH } from "./VMLAUNCH.ts";
import { VMPTRLD } from "./VMPTRLD.ts";
import { VMPTRST } from "./VMPTRST.ts";
import { VMREAD } from "./VMREAD.ts";
import { VMWRITE } from "./VMWRITE.ts";
import { VMXOFF } from "./VMXOFF.ts";
import { VMXON } from "./VMXON.ts";

export const VMX_INSTRUCTIONS: readonly Instruction[] = [
  INVEPT,
  INVVPID,
  VMCALL,
  VMCLEAR,
  VMFUNC,
  ...VMLAUNCH,
  VMPTRLD,
  VMPTRST,
  VMREAD,
  VMWRITE,
  VMXOFF,
  VMXON,
];
