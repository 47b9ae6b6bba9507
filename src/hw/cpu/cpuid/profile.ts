/** A CPU profile: vendor, model and features, from which CPUID, the decoder and the MSRs follow. SDM Vol. 2A, "CPUID—CPU Identification". */

export interface CpuProfile {
  readonly name: string;
  readonly vendor: "intel" | "amd";
  /** What CPUID.01H:EAX and rDX after reset hold: family, model and stepping. */
  readonly signature: number;
  /** MAXPHYADDR. */
  readonly physicalBits: number;
}

export const INTEL: CpuProfile = {
  name: "intel",
  vendor: "intel",
  signature: 0x106a5,
  physicalBits: 40,
};
