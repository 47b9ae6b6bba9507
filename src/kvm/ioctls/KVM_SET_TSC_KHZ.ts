/** KVM_SET_TSC_KHZ: KVM API, "KVM_SET_TSC_KHZ". Counters are not scaled: what is asked for has to be the host's, or almost. */

import { TSC_KHZ, type Vcpu } from "../vcpu.ts";
import { ioctl } from "./ioctl.ts";

/** tsc_tolerance_ppm. */
const TOLERANCE = (TSC_KHZ * 250) / 1_000_000;

export const KVM_SET_TSC_KHZ = ioctl(
  "KVM_SET_TSC_KHZ",
  "vcpu",
  ["_IO", 0xa2, "u64"],
  ({ state }: Vcpu, argument: bigint) => {
    const khz = Number(BigInt.asUintN(32, argument));
    if (khz !== 0 && Math.abs(khz - TSC_KHZ) > TOLERANCE) return "EINVAL";
    state.tscKhz = khz === 0 ? TSC_KHZ : khz;
    return 0;
  },
);
