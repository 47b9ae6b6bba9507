/**
 * The features that CPUID tells of, one row each: SDM Vol. 2A, "CPUID—CPU Identification"; APM Vol. 3, "Obtaining
 * Processor Information Via the CPUID Instruction". A row of an instruction that only some CPUs have names one of these
 * (InstructionText.feature), so that CPUID and the decoder cannot disagree.
 */

export type CpuidRegister = "EAX" | "EBX" | "ECX" | "EDX";

/** Leaf, subleaf, register and bit. */
export type FeaturePlace = readonly [
  leaf: number,
  subleaf: number,
  register: CpuidRegister,
  bit: number,
];

/** What is implemented. */
const OFFERED = {
  FPU: [0x1, 0, "EDX", 0],
  DE: [0x1, 0, "EDX", 2],
  PSE: [0x1, 0, "EDX", 3],
  TSC: [0x1, 0, "EDX", 4],
  MSR: [0x1, 0, "EDX", 5],
  PAE: [0x1, 0, "EDX", 6],
  MCE: [0x1, 0, "EDX", 7],
  CX8: [0x1, 0, "EDX", 8],
  APIC: [0x1, 0, "EDX", 9],
  SEP: [0x1, 0, "EDX", 11],
  MTRR: [0x1, 0, "EDX", 12],
  PGE: [0x1, 0, "EDX", 13],
  MCA: [0x1, 0, "EDX", 14],
  CMOV: [0x1, 0, "EDX", 15],
  PAT: [0x1, 0, "EDX", 16],
  CLFSH: [0x1, 0, "EDX", 19],
  MMX: [0x1, 0, "EDX", 23],
  FXSR: [0x1, 0, "EDX", 24],
  SSE: [0x1, 0, "EDX", 25],
  SSE2: [0x1, 0, "EDX", 26],
  SSE3: [0x1, 0, "ECX", 0],
  MONITOR: [0x1, 0, "ECX", 3],
  VMX: [0x1, 0, "ECX", 5],
  SSSE3: [0x1, 0, "ECX", 9],
  CMPXCHG16B: [0x1, 0, "ECX", 13],
  PCID: [0x1, 0, "ECX", 17],
  "SSE4.1": [0x1, 0, "ECX", 19],
  "SSE4.2": [0x1, 0, "ECX", 20],
  x2APIC: [0x1, 0, "ECX", 21],
  MOVBE: [0x1, 0, "ECX", 22],
  POPCNT: [0x1, 0, "ECX", 23],
  "TSC-Deadline": [0x1, 0, "ECX", 24],
  XSAVE: [0x1, 0, "ECX", 26],
  RDRAND: [0x1, 0, "ECX", 30],
  /** "Not used, always 0" in the SDM; hypervisors set it for their guests. */
  hypervisor: [0x1, 0, "ECX", 31],
  ARAT: [0x6, 0, "EAX", 2],
  FSGSBASE: [0x7, 0, "EBX", 0],
  IA32_TSC_ADJUST: [0x7, 0, "EBX", 1],
  SMEP: [0x7, 0, "EBX", 7],
  INVPCID: [0x7, 0, "EBX", 10],
  /** "Deprecates FPU CS and FPU DS values". */
  ZERO_FCS_FDS: [0x7, 0, "EBX", 13],
  RDSEED: [0x7, 0, "EBX", 18],
  SMAP: [0x7, 0, "EBX", 20],
  CLFLUSHOPT: [0x7, 0, "EBX", 23],
  CLWB: [0x7, 0, "EBX", 24],
  UMIP: [0x7, 0, "ECX", 2],
  RDPID: [0x7, 0, "ECX", 22],
  IA32_ARCH_CAPABILITIES: [0x7, 0, "EDX", 29],
  XSAVEOPT: [0xd, 1, "EAX", 0],
  XSAVEC: [0xd, 1, "EAX", 1],
  XGETBV_ECX1: [0xd, 1, "EAX", 2],
  "LAHF/SAHF": [0x8000_0001, 0, "ECX", 0],
  LZCNT: [0x8000_0001, 0, "ECX", 5],
  PREFETCHW: [0x8000_0001, 0, "ECX", 8],
  OSVW: [0x8000_0001, 0, "ECX", 9],
  SYSCALL: [0x8000_0001, 0, "EDX", 11],
  NX: [0x8000_0001, 0, "EDX", 20],
  Page1GB: [0x8000_0001, 0, "EDX", 26],
  RDTSCP: [0x8000_0001, 0, "EDX", 27],
  LM: [0x8000_0001, 0, "EDX", 29],
  InvariantTSC: [0x8000_0007, 0, "EDX", 8],
  WBNOINVD: [0x8000_0008, 0, "EBX", 9],
  SVM: [0x8000_0001, 0, "ECX", 2],
  NP: [0x8000_000a, 0, "EDX", 0],
  NRIPS: [0x8000_000a, 0, "EDX", 3],
  TscRateMsr: [0x8000_000a, 0, "EDX", 4],
  VmcbClean: [0x8000_000a, 0, "EDX", 5],
  FlushByAsid: [0x8000_000a, 0, "EDX", 6],
  DecodeAssists: [0x8000_000a, 0, "EDX", 7],
  PauseFilter: [0x8000_000a, 0, "EDX", 10],
  PauseFilterThreshold: [0x8000_000a, 0, "EDX", 12],
} as const satisfies Readonly<Record<string, FeaturePlace>>;

/** What is known by name and not, or not wholly, implemented. */
const ABSENT = {
  VME: [0x1, 0, "EDX", 1],
  "PSE-36": [0x1, 0, "EDX", 17],
  PCLMULQDQ: [0x1, 0, "ECX", 1],
  FMA: [0x1, 0, "ECX", 12],
  AESNI: [0x1, 0, "ECX", 25],
  AVX: [0x1, 0, "ECX", 28],
  F16C: [0x1, 0, "ECX", 29],
  /** Of its instructions there is TZCNT alone. */
  BMI1: [0x7, 0, "EBX", 3],
  HLE: [0x7, 0, "EBX", 4],
  AVX2: [0x7, 0, "EBX", 5],
  BMI2: [0x7, 0, "EBX", 8],
  ERMS: [0x7, 0, "EBX", 9],
  RTM: [0x7, 0, "EBX", 11],
  ADX: [0x7, 0, "EBX", 19],
  SHA: [0x7, 0, "EBX", 29],
  PKU: [0x7, 0, "ECX", 3],
  LA57: [0x7, 0, "ECX", 16],
  XSAVES: [0xd, 1, "EAX", 3],
  SSE4A: [0x8000_0001, 0, "ECX", 6],
  FFXSR: [0x8000_0001, 0, "EDX", 25],
} as const satisfies Readonly<Record<string, FeaturePlace>>;

export type FeatureName = keyof typeof OFFERED | keyof typeof ABSENT;

/** By name; the names are the manual's. */
export const FEATURES: Readonly<Record<FeatureName, FeaturePlace>> = { ...OFFERED, ...ABSENT };

export const IMPLEMENTED: ReadonlySet<FeatureName> = new Set(Object.keys(OFFERED) as FeatureName[]);

/** What a feature builds upon: SDM Vol. 1, "Programming with …" on detection; Vol. 3 where a control bit needs another. */
export const NEEDS: Readonly<Partial<Record<FeatureName, readonly FeatureName[]>>> = {
  CMOV: ["FPU"],
  MMX: ["FPU"],
  FXSR: ["FPU"],
  SSE: ["FXSR", "MMX"],
  SSE2: ["SSE", "CLFSH"],
  SSE3: ["SSE2"],
  SSSE3: ["SSE3"],
  "SSE4.1": ["SSSE3"],
  "SSE4.2": ["SSE4.1"],
  CMPXCHG16B: ["LM", "CX8"],
  PCID: ["LM"],
  INVPCID: ["PCID"],
  FSGSBASE: ["LM"],
  x2APIC: ["APIC"],
  "TSC-Deadline": ["APIC", "TSC"],
  XSAVE: ["FXSR"],
  XSAVEOPT: ["XSAVE"],
  XSAVEC: ["XSAVE"],
  XGETBV_ECX1: ["XSAVE"],
  XSAVES: ["XSAVEC"],
  IA32_TSC_ADJUST: ["TSC"],
  RDTSCP: ["TSC"],
  LM: ["PAE", "MSR"],
  NX: ["PAE", "MSR"],
  Page1GB: ["LM"],
  SYSCALL: ["MSR"],
  "LAHF/SAHF": ["LM"],
  MCA: ["MCE"],
  SVM: ["LM", "NX"],
  NP: ["SVM"],
  NRIPS: ["SVM"],
  TscRateMsr: ["SVM"],
  VmcbClean: ["SVM"],
  FlushByAsid: ["SVM"],
  DecodeAssists: ["SVM"],
  PauseFilter: ["SVM"],
  PauseFilterThreshold: ["PauseFilter"],
  VMX: ["LM", "MSR"],
};
