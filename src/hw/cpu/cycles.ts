/**
 * The cost of instructions in cycles: static for each form in each variant, reckoned from its micro-ops, with named
 * events beside. The model is an in-order core that starts one micro-op of the integer unit a cycle and hits its first
 * cache always; long operations cost what the Intel 64 and IA-32 Architectures Optimization Reference Manual, "Latency
 * and Throughput", gives as latency for cores without out-of-order execution, rounded. What an assist does costs what
 * the table below says, by mnemonic, rounded from the same source where it has the instruction.
 */

import type { MicroOp } from "./uop.ts";
import { isVectorMicroOp, type VectorMicroOp } from "./vector.ts";

const BASE = 1;
const ACCESS = 1;
const MULTIPLY = 2;
/** One part of a division, by the width of the divisor; quotient and remainder cost together what one costs. */
const DIVIDE = { 8: 8, 16: 10, 32: 14, 64: 26 } as const;
const FLOAT = { simple: 2, divide: 12, root: 16 } as const;
const ASSIST = 4;

/** By mnemonic. */
const ASSISTS: readonly (readonly [RegExp, number])[] = [
  [/^F(SIN|COS|SINCOS|PTAN|PATAN|YL2X|YL2XP1|2XM1)$/, 80],
  [/^F(BLD|BSTP|PREM|PREM1|DIV|DIVP|IDIV|DIVR|DIVRP|IDIVR|SQRT)$/, 24],
  [/^(FXSAVE|FXRSTOR|FNSAVE|FRSTOR|XSAVE|XRSTOR)/, 60],
  [/^(CPUID|WBINVD|INVD)$/, 100],
  [/^(RDMSR|WRMSR|XSETBV|RDRAND|RDSEED)$/, 60],
  [/^(IN|OUT|INS|OUTS)[BWD]?$/, 50],
  [/^(INVLPG|INVPCID|MOV C|LGDT|LIDT|LLDT|LTR|LMSW)/, 20],
  [/^(INT|INT3|INT1|INTO|IRET|IRETD|IRETQ|RETF)$/, 15],
  // The manual names 140 cycles for one generation and 10 for others.
  [/^PAUSE$/, 40],
  [/^(SYSCALL|SYSRET|SYSENTER|SYSEXIT|RDTSC|RDTSCP)$/, 12],
];

/** Known when an instruction is decoded, and the same in every engine. */
export function cyclesOf(mnemonic: string, list: readonly MicroOp[]): number {
  let cycles = BASE;
  let divides = 0;
  for (const micro of list) {
    if (isVectorMicroOp(micro)) cycles += vectorCycles(micro);
    else if (micro.op === "divide") divides = Math.max(divides, DIVIDE[micro.width]);
    else if (micro.op === "assist") cycles += assistCycles(mnemonic);
    else cycles += integerCycles(micro);
  }
  return cycles + divides;
}

/** Of an instruction that is nothing but an assist. */
export const cyclesOfAssist = (mnemonic: string): number => BASE + assistCycles(mnemonic);

function integerCycles(micro: Exclude<MicroOp, VectorMicroOp>): number {
  if (micro.op === "load" || micro.op === "store") return ACCESS;
  return micro.op === "binary" && micro.fn.startsWith("mul") ? MULTIPLY : 0;
}

function vectorCycles(micro: VectorMicroOp): number {
  if (micro.op === "loadVector" || micro.op === "storeVector") return ACCESS;
  if (micro.op !== "float") return 0;
  if (micro.fn === "div") return FLOAT.divide;
  return micro.fn === "sqrt" ? FLOAT.root : FLOAT.simple;
}

const assistCycles = (mnemonic: string): number =>
  ASSISTS.find(([pattern]) => pattern.test(mnemonic))?.[1] ?? ASSIST;

/** What happens beside instructions. */
export const EVENT_CYCLES = {
  /** An interrupt or exception goes to its handler: reads of IDT and descriptors, pushes. */
  delivery: 20,
  /**
   * VMRUN loads a guest and #VMEXIT the host: rounded from the APM's relative terms and public measurements of
   * processors of the last years, which find 1,000 to 1,500 cycles for both.
   */
  vmrun: 450,
  instructionExit: 450,
  eventExit: 500,
  nestedPageFault: 600,
  /** VMLAUNCH and VMRESUME that reach the guest, or fail for its state. */
  vmEntry: 450,
  /** An entry of an MSR-load or MSR-store area. */
  msrTransfer: 60,
} as const;
