/** Model-specific registers of VMX: SDM Vol. 3, "VMX Capability Reporting Facility" (appendix). */

import { CAPABILITIES } from "../vmx/capabilities.ts";
import type { Msr } from "./msr.ts";

export const VMX_MSRS: readonly Msr[] = CAPABILITIES.map(({ name, number, value }) => ({
  name,
  number,
  vendor: "intel",
  feature: "VMX",
  writable: "nothing",
  read: ({ environment }) => value(environment.profile),
}));
