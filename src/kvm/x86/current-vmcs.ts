/** The current VMCS of a CPU as KVM uses it: SDM Vol. 3C, "VMREAD—Read Field from Virtual-Machine Control Structure", "VMWRITE—Write Field to Virtual-Machine Control Structure". */

import type { Field } from "../../hw/cpu/vmx/fields.ts";
import { Vmx } from "../../hw/cpu/vmx/vmx.ts";
import type { Vmcs } from "../../hw/cpu/vmx/vmcs.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { assert } from "../../sim/assert.ts";

export const vmxOf = ({ virtualization }: HostCpu): Vmx => {
  assert(virtualization instanceof Vmx, "the CPUs of a host with vmx have VMX");
  return virtualization;
};

/** VMREAD and VMWRITE. Fields are found by their names once, when the module is loaded. */
export class CurrentVmcs {
  readonly vmcs: Vmcs;
  readonly #vmx: Vmx;

  constructor(vmx: Vmx) {
    this.#vmx = vmx;
    this.vmcs = vmx.vmcs;
  }

  get(field: Field): bigint {
    return this.vmcs.read(field);
  }

  set(field: Field, value: bigint): void {
    if (this.get(field) !== value) this.#vmx.write(field, value, false);
  }

  /** The lower 32 bits: all there is of most fields. */
  low({ place }: Field): number {
    return this.vmcs.words[place >> 2] as number;
  }

  /** With zeros above. */
  setLow(field: Field, value: number): void {
    if (this.low(field) !== value >>> 0) this.#vmx.write(field, BigInt(value >>> 0), false);
  }
}
