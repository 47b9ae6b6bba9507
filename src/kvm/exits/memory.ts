/** A guest-physical address that the tables do not map: a page is mapped, or a device accessed. Linux, arch/x86/kvm/mmu/mmu.c, kvm_mmu_page_fault. */

import type { Errno } from "../../linux/errno.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Vcpu } from "../vcpu.ts";
import { handleInstruction } from "./instruction.ts";
import { internalError } from "./to-user.ts";

export function handleMemory(
  vcpu: Vcpu,
  cpu: HostCpu,
  { address, write }: { readonly address: number; readonly write: boolean },
): 0 | Errno | null {
  const page = vcpu.vm.mmu.fault(Math.floor(address / PAGE_SIZE), write);
  switch (page.is) {
    case "frame":
      return null;
    case "error":
      return page.error;
    case "device":
      // An event cannot be delivered through a device.
      if (vcpu.state.pending !== null) return internalError(vcpu.run, "DELIVERY_EV");
      return handleInstruction(vcpu, cpu);
  }
}
