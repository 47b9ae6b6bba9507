/** MSRs of a vCPU as user space reaches them: by the rules of the guest's own CPU. Linux, Documentation/virt/kvm/api.rst, "KVM_GET_MSRS". */

import { type Fault, GP0 } from "../hw/cpu/fault.ts";
import type { MsrAccess } from "../hw/cpu/msr/msr.ts";
import { type SystemMemory, Untranslated } from "../hw/cpu/mmu.ts";
import type { Vcpu } from "./vcpu.ts";

/** MAX_IO_MSRS. */
export const MOST_MSRS = 256;

/** No MSR lies in memory. */
class NoMemory extends Untranslated implements SystemMemory {
  read(): Fault {
    return GP0;
  }

  write(): Fault {
    return GP0;
  }

  translateFetch(): Fault {
    return GP0;
  }

  codeBytes(): Uint8Array {
    return new Uint8Array();
  }
}

export function msrAccess({ registers, environment }: Vcpu): MsrAccess {
  return { state: registers, environment, memory: new NoMemory() };
}
