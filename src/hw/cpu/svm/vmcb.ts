/** The virtual machine control block: APM Vol. 2, "VMCB Layout". Offsets in bytes, and bits of its fields. */

export const VMCB = {
  interceptCr: 0x0,
  interceptDr: 0x4,
  interceptExceptions: 0x8,
  intercept3: 0xc,
  intercept4: 0x10,
  intercept5: 0x14,
  pauseFilterThreshold: 0x3c,
  pauseFilterCount: 0x3e,
  iopmBasePa: 0x40,
  msrpmBasePa: 0x48,
  tscOffset: 0x50,
  asid: 0x58,
  tlbControl: 0x5c,
  /** V_TPR in bits 7 to 0, and VINTR below. */
  vintr: 0x60,
  vintrVector: 0x64,
  interruptShadow: 0x68,
  exitCode: 0x70,
  exitInfo1: 0x78,
  exitInfo2: 0x80,
  exitIntInfo: 0x88,
  npEnable: 0x90,
  eventInj: 0xa8,
  nCr3: 0xb0,
  clean: 0xc0,
  nRip: 0xc8,
  bytesFetched: 0xd0,
  es: 0x400,
  cs: 0x410,
  ss: 0x420,
  ds: 0x430,
  fs: 0x440,
  gs: 0x450,
  gdtr: 0x460,
  ldtr: 0x470,
  idtr: 0x480,
  tr: 0x490,
  cpl: 0x4cb,
  efer: 0x4d0,
  cr4: 0x548,
  cr3: 0x550,
  cr0: 0x558,
  dr7: 0x560,
  dr6: 0x568,
  rflags: 0x570,
  rip: 0x578,
  rsp: 0x5d8,
  rax: 0x5f8,
  star: 0x600,
  lstar: 0x608,
  cstar: 0x610,
  sfmask: 0x618,
  kernelGsBase: 0x620,
  sysenterCs: 0x628,
  sysenterEsp: 0x630,
  sysenterEip: 0x638,
  cr2: 0x640,
  gPat: 0x668,
  dbgCtl: 0x670,
} as const;

/** ASIDs that there are, as CPUID tells: from 0, the host's. */
export const ASIDS = 0x8000;

/** So much of the page is looked at. */
export const VMCB_BYTES = 0x6a0;
/** The control area that has a meaning. */
export const CONTROL_BYTES = 0xe0;

/** Where a segment's parts lie in its 16 bytes. */
export const SEGMENT = { selector: 0, attributes: 2, limit: 4, base: 8 } as const;

/** Bits of the doubleword at `vintr`. */
export const VINTR = {
  tpr: 0xf,
  irq: 1 << 8,
  priorityShift: 16,
  ignoreTpr: 1 << 20,
  masking: 1 << 24,
} as const;

export const TLB_CONTROL = { flushAll: 1, flushAsid: 3, flushAsidNonGlobal: 7 } as const;

/** Bits of EVENTINJ and EXITINTINFO, in their low doubleword; the error code is the high one. */
export const EVENT = {
  interrupt: 0 << 8,
  nmi: 2 << 8,
  exception: 3 << 8,
  softwareInterrupt: 4 << 8,
  type: 7 << 8,
  hasErrorCode: 1 << 11,
  valid: 0x8000_0000,
} as const;

/** Which bytes a clean bit stands for (APM Vol. 2, "VMCB Clean Field"): offset and length. */
export const CLEAN_GROUPS: readonly (readonly (readonly [at: number, length: number])[])[] = [
  [
    [VMCB.interceptCr, 0x18],
    [VMCB.pauseFilterThreshold, 4],
    [VMCB.tscOffset, 8],
  ],
  [[VMCB.iopmBasePa, 16]],
  [[VMCB.asid, 4]],
  [[VMCB.vintr, 8]],
  [
    [VMCB.npEnable, 8],
    [VMCB.nCr3, 8],
    [VMCB.gPat, 8],
  ],
  [
    [VMCB.efer, 8],
    [VMCB.cr4, 24],
  ],
  [[VMCB.dr7, 16]],
  [
    [VMCB.gdtr, 16],
    [VMCB.idtr, 16],
  ],
  [
    [VMCB.es, 64],
    [VMCB.cpl, 1],
  ],
  [[VMCB.cr2, 8]],
];

/** What is read at each VMRUN: offsets of doublewords. */
export const NEVER_CLEAN: readonly number[] = (
  [
    [VMCB.tlbControl, 4],
    [VMCB.interruptShadow, 8],
    [VMCB.eventInj, 8],
    [VMCB.clean, 16],
    [VMCB.rflags, 16],
    [VMCB.rsp, 8],
    [VMCB.rax, 8],
  ] as const
).flatMap(([at, length]) => Array.from({ length: length / 4 }, (_, i) => at + 4 * i));
