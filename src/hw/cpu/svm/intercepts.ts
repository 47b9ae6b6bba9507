/** Exit codes, and which bit of the VMCB asks for which: APM Vol. 2, "SVM Intercept Exit Codes", "VMCB Layout". */

import type { InterceptedInstruction } from "../virtualization.ts";
import { VMCB } from "./vmcb.ts";

export const EXIT_CODE = {
  readCr0: 0x0,
  writeCr0: 0x10,
  readDr0: 0x20,
  writeDr0: 0x30,
  exception0: 0x40,
  INTR: 0x60,
  NMI: 0x61,
  INIT: 0x63,
  VINTR: 0x64,
  CR0_SEL_WRITE: 0x65,
  IOIO: 0x7b,
  MSR: 0x7c,
  TASK_SWITCH: 0x7d,
  SHUTDOWN: 0x7f,
  ICEBP: 0x88,
  NPF: 0x400,
  /** A consistency check of VMRUN has failed. */
  INVALID: -1,
} as const;

/** Where a bit lies, and the exit that it asks for. */
export interface Intercept {
  readonly word: number;
  readonly bit: number;
  readonly code: number;
}

const misc1 = (bit: number, code: number): Intercept => ({ word: VMCB.intercept3, bit, code });
const misc2 = (bit: number, code: number): Intercept => ({ word: VMCB.intercept4, bit, code });

/** Events. */
export const INTERCEPT = {
  INTR: misc1(0, EXIT_CODE.INTR),
  NMI: misc1(1, EXIT_CODE.NMI),
  INIT: misc1(3, EXIT_CODE.INIT),
  VINTR: misc1(4, EXIT_CODE.VINTR),
  CR0_SEL_WRITE: misc1(5, EXIT_CODE.CR0_SEL_WRITE),
  IOIO: misc1(27, EXIT_CODE.IOIO),
  MSR: misc1(28, EXIT_CODE.MSR),
  TASK_SWITCH: misc1(29, EXIT_CODE.TASK_SWITCH),
  SHUTDOWN: misc1(31, EXIT_CODE.SHUTDOWN),
  VMRUN: misc2(0, 0x80),
  VMMCALL: misc2(1, 0x81),
  VMLOAD: misc2(2, 0x82),
  VMSAVE: misc2(3, 0x83),
  STGI: misc2(4, 0x84),
  CLGI: misc2(5, 0x85),
  INVLPGA: misc1(26, 0x7a),
  ICEBP: misc2(8, EXIT_CODE.ICEBP),
} as const satisfies Readonly<Record<string, Intercept>>;

/** Instructions that every CPU has. Those that are not here are never intercepted. */
export const INSTRUCTIONS: Readonly<Partial<Record<InterceptedInstruction, Intercept>>> = {
  SIDT: misc1(6, 0x66),
  SGDT: misc1(7, 0x67),
  SLDT: misc1(8, 0x68),
  STR: misc1(9, 0x69),
  LIDT: misc1(10, 0x6a),
  LGDT: misc1(11, 0x6b),
  LLDT: misc1(12, 0x6c),
  LTR: misc1(13, 0x6d),
  RDTSC: misc1(14, 0x6e),
  RDPMC: misc1(15, 0x6f),
  PUSHF: misc1(16, 0x70),
  POPF: misc1(17, 0x71),
  CPUID: misc1(18, 0x72),
  RSM: misc1(19, 0x73),
  IRET: misc1(20, 0x74),
  "INT n": misc1(21, 0x75),
  INVD: misc1(22, 0x76),
  PAUSE: misc1(23, 0x77),
  HLT: misc1(24, 0x78),
  INVLPG: misc1(25, 0x79),
  RDTSCP: misc2(7, 0x87),
  WBINVD: misc2(9, 0x89),
  MONITOR: misc2(10, 0x8a),
  MWAIT: misc2(11, 0x8b),
  XSETBV: misc2(13, 0x8d),
  INVPCID: { word: VMCB.intercept5, bit: 2, code: 0xa2 },
};

/** Of an access to ports in EXITINFO1 (APM Vol. 2, "IOIO Intercepts"). */
export const IOIO = {
  input: 1,
  string: 4,
  repeated: 8,
  sizeShift: 4,
  /** A bit for each size, with the size's number. */
  sizes: 7,
  addressSizeShift: 7,
  segmentShift: 10,
  portShift: 16,
} as const;
