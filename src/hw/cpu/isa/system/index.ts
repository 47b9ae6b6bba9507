/** The system instructions that transfer no privilege, and the fast system calls, one line each. */

import type { Instruction } from "../../instruction.ts";
import { ARPL } from "./ARPL.ts";
import { CLAC } from "./CLAC.ts";
import { CLTS } from "./CLTS.ts";
import { CLWB } from "./CLWB.ts";
import { CPUID } from "./CPUID.ts";
import { IN } from "./IN.ts";
import { INS } from "./INS.ts";
import { INVLPG } from "./INVLPG.ts";
import { INVPCID } from "./INVPCID.ts";
import { LAR } from "./LAR.ts";
import { LGDT } from "./LGDT.ts";
import { LLDT } from "./LLDT.ts";
import { LMSW } from "./LMSW.ts";
import { LTR } from "./LTR.ts";
import { MONITOR } from "./MONITOR.ts";
import { MOVCR } from "./MOVCR.ts";
import { MOVDR } from "./MOVDR.ts";
import { OUT } from "./OUT.ts";
import { OUTS } from "./OUTS.ts";
import { RDFSBASE } from "./RDFSBASE.ts";
import { RDMSR } from "./RDMSR.ts";
import { RDPID } from "./RDPID.ts";
import { RDPMC } from "./RDPMC.ts";
import { RDRAND } from "./RDRAND.ts";
import { RDSEED } from "./RDSEED.ts";
import { RDTSC } from "./RDTSC.ts";
import { RDTSCP } from "./RDTSCP.ts";
import { RSM } from "./RSM.ts";
import { SGDT } from "./SGDT.ts";
import { SLDT } from "./SLDT.ts";
import { SMSW } from "./SMSW.ts";
import { SWAPGS } from "./SWAPGS.ts";
import { SYSCALL } from "./SYSCALL.ts";
import { SYSENTER } from "./SYSENTER.ts";
import { SYSEXIT } from "./SYSEXIT.ts";
import { SYSRET } from "./SYSRET.ts";
import { VERR } from "./VERR.ts";
import { WBINVD } from "./WBINVD.ts";
import { WRMSR } from "./WRMSR.ts";

export const SYSTEM_INSTRUCTIONS: readonly Instruction[] = [
  ARPL,
  ...CLAC,
  CLTS,
  ...CLWB,
  CPUID,
  IN,
  ...INS,
  INVLPG,
  INVPCID,
  ...LAR,
  ...LGDT,
  LLDT,
  LMSW,
  LTR,
  ...MONITOR,
  ...MOVCR,
  ...MOVDR,
  OUT,
  ...OUTS,
  ...RDFSBASE,
  RDMSR,
  RDPID,
  RDPMC,
  RDRAND,
  RDSEED,
  RDTSC,
  RDTSCP,
  RSM,
  ...SGDT,
  ...SLDT,
  SMSW,
  SWAPGS,
  SYSCALL,
  SYSENTER,
  SYSEXIT,
  SYSRET,
  ...VERR,
  ...WBINVD,
  WRMSR,
];
