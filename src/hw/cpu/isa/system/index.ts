/** The system instructions that transfer no privilege, and the fast system calls, one line each. */

import type { Instruction } from "../../instruction.ts";
import { CPUID } from "./CPUID.ts";
import { RDMSR } from "./RDMSR.ts";
import { RDPID } from "./RDPID.ts";
import { RDPMC } from "./RDPMC.ts";
import { RDRAND } from "./RDRAND.ts";
import { RDSEED } from "./RDSEED.ts";
import { RDTSC } from "./RDTSC.ts";
import { RDTSCP } from "./RDTSCP.ts";
import { WRMSR } from "./WRMSR.ts";

export const SYSTEM_INSTRUCTIONS: readonly Instruction[] = [
  CPUID,
  RDMSR,
  RDPID,
  RDPMC,
  RDRAND,
  RDSEED,
  RDTSC,
  RDTSCP,
  WRMSR,
];
