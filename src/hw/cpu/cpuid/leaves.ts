/**
 * What CPUID answers: SDM Vol. 2A, "CPUID—CPU Identification"; APM Vol. 3, "Obtaining Processor Information Via the
 * CPUID Instruction". A leaf is a row; feature bits come from the table of features.
 */

import { APIC_BASE, MISC_ENABLE } from "../msr/bits.ts";
import { readSlot } from "../msr/slots.ts";
import { BIT, type CpuState } from "../state.ts";
import { ASIDS } from "../svm/vmcb.ts";
import { type CpuidRegister, type FeatureName, FEATURES } from "./features.ts";
import { type CpuProfile, processorsOf, type Topology, type Vendor } from "./profile.ts";

export type CpuidAnswer = Readonly<Record<CpuidRegister, number>>;

/** One question. */
interface Asked {
  readonly profile: CpuProfile;
  readonly state: CpuState;
  readonly subleaf: number;
}

type Leaf = (asked: Asked) => Partial<CpuidAnswer>;

const EXTENDED = 0x8000_0000;
const LAST_BASIC: Readonly<Record<Vendor, number>> = { intel: 0x16, amd: 0xd };
const LAST_EXTENDED: Readonly<Record<Vendor, number>> = { intel: 0x8000_0008, amd: 0x8000_000a };
const VENDOR_TEXT: Readonly<Record<Vendor, string>> = {
  intel: "GenuineIntel",
  amd: "AuthenticAMD",
};

/** The crystal, the TSC and the nominal clock are one: 1 GHz, the unit of simulated time. */
const CLOCK_HZ = 1_000_000_000;
const CLOCK_MHZ = 1000;
const BUS_MHZ = 100;

const LINE_BYTES = 64;
const LINEAR_BITS = 48;
/** As far as leaf 4 can count. */
const MOST_CORES = 63;
/** The x87 and SSE area and the header (SDM Vol. 1, "XSAVE Area"); there is no extended region. */
const XSAVE_BYTES = 576;
const XCR0_BITS = 3;

const SVM_REVISION = 1;

const HTT = 1 << 28;
const OSXSAVE = 1 << 27;
const AMD_CMP_LEGACY = 2;
/** What the register of CPUID.80000001H repeats of CPUID.01H on AMD's processors. */
const AMD_REPEATED = 0x0183_f3ff;

interface Cache {
  readonly type: 1 | 2 | 3;
  readonly level: number;
  readonly kibibytes: number;
  readonly ways: number;
}

/** There are no caches; these are those of the template. */
const CACHES: Readonly<Record<Vendor, readonly Cache[]>> = {
  intel: [
    { type: 1, level: 1, kibibytes: 32, ways: 8 },
    { type: 2, level: 1, kibibytes: 32, ways: 8 },
    { type: 3, level: 2, kibibytes: 4096, ways: 16 },
  ],
  amd: [
    { type: 1, level: 1, kibibytes: 32, ways: 8 },
    { type: 2, level: 1, kibibytes: 32, ways: 8 },
    { type: 3, level: 2, kibibytes: 512, ways: 8 },
  ],
};
/** SDM and APM agree on the codes of 8 and 16 ways in leaf 80000006H. */
const ASSOCIATIVITY: Readonly<Record<number, number>> = { 8: 6, 16: 8 };

const word = (text: string, at: number): number => {
  let value = 0;
  for (let i = 0; i < 4; i += 1) value |= (text.codePointAt(at + i) ?? 0) << (8 * i);
  return value;
};

/** IA32_MISC_ENABLE may hide the leaves from 3 on (SDM Vol. 4, "Limit CPUID Maxval"). */
const lastBasic = (state: CpuState, vendor: Vendor): number =>
  isEnabled(state, MISC_ENABLE.LIMIT_CPUID) ? 2 : LAST_BASIC[vendor];

/** AMD's processors have no such register, and its slot is 0. */
const isEnabled = (state: CpuState, bit: bigint): boolean =>
  (readSlot(state, "IA32_MISC_ENABLE") & bit) !== 0n;

const leafZero: Leaf = ({ profile: { vendor }, state }) => {
  const text = VENDOR_TEXT[vendor];
  return {
    EAX: lastBasic(state, vendor),
    EBX: word(text, 0),
    EDX: word(text, 4),
    ECX: word(text, 8),
  };
};

const identification: Leaf = ({ profile, state }) => {
  const ids = Math.min(1 << idBits(profile), 0xff);
  return {
    EAX: profile.signature,
    EBX: ((profile.apicId & 0xff) << 24) | (ids << 16) | ((LINE_BYTES / 8) << 8),
    ECX: state.has("CR4", BIT.CR4.OSXSAVE) ? OSXSAVE : 0,
    EDX: processorsOf(profile) > 1 ? HTT : 0,
  };
};

/** Bits of an APIC ID that tell so many apart. */
const shiftOf = (count: number): number => (count === 1 ? 0 : 32 - Math.clz32(count - 1));

/** Bits of an APIC ID within a package: threads have their own, and cores. */
const idBits = ({ threadsPerCore, coresPerPackage }: Topology): number =>
  shiftOf(threadsPerCore) + shiftOf(coresPerPackage);

/** Only says where to look: the caches are in leaf 4, the TLBs in leaf 18H. */
const descriptors: Leaf = () => ({ EAX: 0x00fe_ff01, EBX: 0xf0 });

const cacheParameters: Leaf = ({ profile, subleaf }) => {
  const cache = CACHES[profile.vendor][subleaf];
  if (cache === undefined) return {};
  const { type, level, kibibytes, ways } = cache;
  const { threadsPerCore, coresPerPackage } = profile;
  const sharing = ((1 << shiftOf(threadsPerCore)) - 1) << 14;
  const cores = Math.min((1 << shiftOf(coresPerPackage)) - 1, MOST_CORES) << 26;
  const selfInitializing = 1 << 8;
  return {
    EAX: cores | sharing | selfInitializing | (level << 5) | type,
    EBX: ((ways - 1) << 22) | (LINE_BYTES - 1),
    ECX: (kibibytes * 1024) / (LINE_BYTES * ways) - 1,
  };
};

/** Lines of 64 bytes; extensions are enumerated, and interrupts end the wait even when masked. */
const monitor: Leaf = ({ profile }) =>
  profile.features.has("MONITOR") ? { EAX: LINE_BYTES, EBX: LINE_BYTES, ECX: 3, EDX: 0x10 } : {};

const topology: Leaf = ({ profile, subleaf }) => {
  const { threadsPerCore, apicId } = profile;
  const processors = processorsOf(profile);
  const threads = shiftOf(threadsPerCore);
  const number = subleaf & 0xff;
  if (subleaf === 0) return { EAX: threads, EBX: threadsPerCore, ECX: 0x100, EDX: apicId };
  if (subleaf === 1) return { EAX: idBits(profile), EBX: processors, ECX: 0x201, EDX: apicId };
  return { ECX: number, EDX: apicId };
};

const extendedState: Leaf = ({ profile, subleaf }) => {
  if (!profile.features.has("XSAVE")) return {};
  if (subleaf === 0) return { EAX: XCR0_BITS, EBX: XSAVE_BYTES, ECX: XSAVE_BYTES };
  if (subleaf === 1 && profile.features.has("XSAVEC")) return { EBX: XSAVE_BYTES };
  return {};
};

const brandPart =
  (part: number): Leaf =>
  ({ profile: { brand } }) => {
    const at = 16 * part;
    return {
      EAX: word(brand, at),
      EBX: word(brand, at + 4),
      ECX: word(brand, at + 8),
      EDX: word(brand, at + 12),
    };
  };

const extendedIdentification: Leaf = (asked) => {
  const { profile } = asked;
  if (profile.vendor === "intel") return {};
  const first = withFeatures(profile, 1, 0, identification(asked));
  return {
    EAX: profile.signature,
    ECX: processorsOf(profile) > 1 ? AMD_CMP_LEGACY : 0,
    EDX: first.EDX & AMD_REPEATED,
  };
};

const amdLevelOne: Leaf = ({ profile: { vendor } }) => {
  if (vendor === "intel") return {};
  const cache = (32 << 24) | (8 << 16) | (1 << 8) | LINE_BYTES;
  return { ECX: cache, EDX: cache };
};

const levelTwo: Leaf = ({ profile: { vendor } }) => {
  const { kibibytes, ways } = CACHES[vendor][2] as Cache;
  const lines = vendor === "amd" ? 1 << 8 : 0;
  return { ECX: (kibibytes << 16) | ((ASSOCIATIVITY[ways] as number) << 12) | lines | LINE_BYTES };
};

const sizes: Leaf = ({ profile }) => {
  const processors = processorsOf(profile);
  const amd = (idBits(profile) << 12) | ((processors - 1) & 0xff);
  return {
    EAX: (LINEAR_BITS << 8) | profile.physicalBits,
    ECX: profile.vendor === "amd" ? amd : 0,
  };
};

const LEAVES: Readonly<Record<number, Leaf>> = {
  0x0: leafZero,
  0x1: identification,
  0x2: (asked) => (asked.profile.vendor === "intel" ? descriptors(asked) : {}),
  0x4: (asked) => (asked.profile.vendor === "intel" ? cacheParameters(asked) : {}),
  0x5: monitor,
  0xb: topology,
  0xd: extendedState,
  0x15: () => ({ EAX: 1, EBX: 1, ECX: CLOCK_HZ }),
  0x16: () => ({ EAX: CLOCK_MHZ, EBX: CLOCK_MHZ, ECX: BUS_MHZ }),
  [EXTENDED]: ({ profile: { vendor } }) => {
    const text = VENDOR_TEXT[vendor];
    const EAX = LAST_EXTENDED[vendor];
    if (vendor === "intel") return { EAX };
    return { EAX, EBX: word(text, 0), EDX: word(text, 4), ECX: word(text, 8) };
  },
  0x8000_0001: extendedIdentification,
  0x8000_0002: brandPart(0),
  0x8000_0003: brandPart(1),
  0x8000_0004: brandPart(2),
  0x8000_0005: amdLevelOne,
  0x8000_0006: levelTwo,
  0x8000_0008: sizes,
  0x8000_000a: ({ profile: { features } }) =>
    features.has("SVM") ? { EAX: SVM_REVISION, EBX: ASIDS } : {},
};

/** Adds the bits of a profile's features. */
function withFeatures(
  profile: CpuProfile,
  leaf: number,
  subleaf: number,
  found: Partial<CpuidAnswer>,
): CpuidAnswer {
  const answer = { EAX: 0, EBX: 0, ECX: 0, EDX: 0, ...found };
  for (const name of profile.features) {
    const [inLeaf, inSubleaf, register, bit] = FEATURES[name];
    if (inLeaf === leaf && inSubleaf === subleaf) answer[register] |= 1 << bit;
  }
  return answer;
}

/** Features that a program can switch off: their bits follow. */
function isSwitchedOff(state: CpuState, vendor: Vendor, name: FeatureName): boolean {
  if (name === "APIC") return (readSlot(state, "IA32_APIC_BASE") & APIC_BASE.EN) === 0n;
  if (name === "NX") return isEnabled(state, MISC_ENABLE.XD_DISABLE);
  return name === "MONITOR" && vendor === "intel" && !isEnabled(state, MISC_ENABLE.MONITOR);
}

/** The answer to a leaf that exists, features included. */
function leafOf(profile: CpuProfile, state: CpuState, leaf: number, subleaf: number): CpuidAnswer {
  const find = LEAVES[leaf];
  const features = [...profile.features].filter(
    (name) => !isSwitchedOff(state, profile.vendor, name),
  );
  const now = { ...profile, features: new Set(features) };
  // Where subleaves mean nothing, they are all alike.
  const part = leaf === 0x7 || leaf === 0xd ? subleaf : 0;
  return withFeatures(now, leaf, part, find?.({ profile: now, state, subleaf }) ?? {});
}

/** Beyond the last leaf Intel's processors answer as to their last basic one, AMD's with zeros. */
export function cpuid(
  profile: CpuProfile,
  state: CpuState,
  leaf: number,
  subleaf: number,
): CpuidAnswer {
  const { vendor } = profile;
  const basic = lastBasic(state, vendor);
  const last = leaf >= EXTENDED ? LAST_EXTENDED[vendor] : basic;
  const answer =
    leaf <= last
      ? leafOf(profile, state, leaf, subleaf)
      : vendor === "amd"
        ? {}
        : leafOf(profile, state, basic, subleaf);
  const unsigned = (register: CpuidRegister): number =>
    ((answer as Partial<CpuidAnswer>)[register] ?? 0) >>> 0;
  return {
    EAX: unsigned("EAX"),
    EBX: unsigned("EBX"),
    ECX: unsigned("ECX"),
    EDX: unsigned("EDX"),
  };
}
