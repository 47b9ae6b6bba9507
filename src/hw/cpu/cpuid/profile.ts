/**
 * A CPU profile: vendor, model and features, from which CPUID, the decoder, the MSRs and paging follow. SDM Vol. 2A,
 * "CPUID—CPU Identification".
 *
 * Both profiles are at the level x86-64-v2 with the system features of newer CPUs, and without AVX. The numbers of
 * family, model and stepping are those of real models that Linux treats kindly: Intel Atom P5900 (Snow Ridge, cores
 * named Tremont, which have no AVX) and AMD EPYC 7003 (Milan, Zen 3; the real one has AVX).
 */

import { InputError } from "../../../sim/assert.ts";
import { type FeatureName, FEATURES, IMPLEMENTED, NEEDS } from "./features.ts";

export type Vendor = "intel" | "amd";

export interface Topology {
  readonly threadsPerCore: number;
  readonly coresPerPackage: number;
}

export interface CpuProfile extends Topology {
  readonly name: string;
  readonly vendor: Vendor;
  /** What CPUID.01H:EAX and rDX after reset hold: family, model and stepping. */
  readonly signature: number;
  /** At most 48 characters. */
  readonly brand: string;
  /** MAXPHYADDR. */
  readonly physicalBits: number;
  /** The initial (x2)APIC ID. */
  readonly apicId: number;
  /** The microcode that is loaded. */
  readonly microcode: number;
  readonly features: ReadonlySet<FeatureName>;
}

/** What a board says about a CPU. */
export interface ProfileParameters extends Partial<Topology> {
  readonly base: Vendor;
  readonly name?: string;
  /** Features to leave out, with those that build upon them. */
  readonly without?: readonly string[];
  readonly with?: readonly string[];
  readonly apicId?: number;
  readonly physicalBits?: number;
}

type Template = Pick<
  CpuProfile,
  "vendor" | "signature" | "brand" | "physicalBits" | "microcode" | "features"
>;

/** A board adds these when it has what they speak of. */
const LEFT_TO_THE_BOARD: readonly FeatureName[] = [
  "x2APIC",
  "TSC-Deadline",
  "hypervisor",
  "MONITOR",
];
const ONLY_INTEL: readonly FeatureName[] = [
  "IA32_TSC_ADJUST",
  "IA32_ARCH_CAPABILITIES",
  "ZERO_FCS_FDS",
  "VMX",
];
const ONLY_AMD: readonly FeatureName[] = [
  "LZCNT",
  "OSVW",
  "WBNOINVD",
  "SVM",
  "NP",
  "NRIPS",
  "TscRateMsr",
  "VmcbClean",
  "FlushByAsid",
  "DecodeAssists",
  "PauseFilter",
  "PauseFilterThreshold",
];

const allBut = (...left: readonly FeatureName[]): ReadonlySet<FeatureName> =>
  new Set(
    [...IMPLEMENTED].filter((name) => !LEFT_TO_THE_BOARD.includes(name) && !left.includes(name)),
  );

const TEMPLATES: Readonly<Record<Vendor, Template>> = {
  intel: {
    vendor: "intel",
    signature: 0x8_0665,
    brand: "Intel(R) Atom(TM) P5900 (kvmsim) @ 1.00GHz",
    physicalBits: 40,
    microcode: 0x4c00_0023,
    features: allBut(...ONLY_AMD),
  },
  amd: {
    vendor: "amd",
    signature: 0xa0_0f11,
    brand: "AMD EPYC 7003 Processor (kvmsim)",
    physicalBits: 48,
    microcode: 0xa00_11d3,
    features: allBut(...ONLY_INTEL),
  },
};

const MOST_PROCESSORS = 256;

export function makeProfile(parameters: ProfileParameters): CpuProfile {
  const { base, without = [], with: added = [] } = parameters;
  const template = TEMPLATES[base];
  if (template === undefined)
    throw new InputError(`CPU profile: base is intel or amd, not ${base}`);
  const { apicId = 0, physicalBits = template.physicalBits } = parameters;
  const { threadsPerCore = 1, coresPerPackage = 1, name = base } = parameters;
  inRange(name, "physicalBits", physicalBits, 36, 52);
  inRange(name, "apicId", apicId, 0, 2 ** 32 - 2);
  inRange(name, "threadsPerCore", threadsPerCore, 1, MOST_PROCESSORS);
  inRange(name, "coresPerPackage", coresPerPackage, 1, MOST_PROCESSORS);
  const left = withoutDependents(without.map((feature) => known(name, feature)));
  const features = new Set([...template.features].filter((feature) => !left.has(feature)));
  for (const feature of added.map((text) => known(name, text))) {
    if (!IMPLEMENTED.has(feature))
      throw new InputError(`CPU profile ${name}: ${feature} is not implemented`);
    features.add(feature);
  }
  for (const feature of features) {
    const missing = NEEDS[feature]?.find((needed) => !features.has(needed));
    if (missing !== undefined)
      throw new InputError(`CPU profile ${name}: ${feature} needs ${missing}`);
  }
  return { ...template, name, features, apicId, physicalBits, threadsPerCore, coresPerPackage };
}

function known(profile: string, feature: string): FeatureName {
  if (!Object.hasOwn(FEATURES, feature))
    throw new InputError(`CPU profile ${profile}: no feature is called ${feature}`);
  return feature as FeatureName;
}

function inRange(profile: string, what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InputError(
      `CPU profile ${profile}: ${what} is from ${least} to ${most}, not ${value}`,
    );
}

/** Some features and all that build upon them. */
function withoutDependents(first: readonly FeatureName[]): ReadonlySet<FeatureName> {
  const left = new Set(first);
  const isLeft = (name: FeatureName): boolean => left.has(name);
  let before = -1;
  while (left.size !== before) {
    before = left.size;
    for (const [name, needs] of Object.entries(NEEDS))
      if (needs.some(isLeft)) left.add(name as FeatureName);
  }
  return left;
}

/** Logical processors of a package. */
export const processorsOf = ({ threadsPerCore, coresPerPackage }: Topology): number =>
  threadsPerCore * coresPerPackage;

export const INTEL = makeProfile({ base: "intel" });
export const AMD = makeProfile({ base: "amd" });
