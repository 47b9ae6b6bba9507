/** Exits that are user space's: Linux, Documentation/virt/kvm/api.rst, "The kvm_run structure". */

import type { HostCpu } from "../../linux/host-cpu.ts";
import { EXIT, INTERNAL_ERROR } from "../ioctls/kvm-run.ts";
import { MP_STATE, type Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { skip } from "./skip.ts";

/** Without an interrupt controller in the module, halted vCPUs are user space's. */
export function halt(vcpu: Vcpu, cpu: HostCpu, exit: Exit): 0 | null {
  skip(vcpu, cpu, exit.next);
  if (vcpu.hasApic) {
    vcpu.state.mpState = MP_STATE.halted;
    return null;
  }
  // One exit for one instruction.
  vcpu.state.isStepped = false;
  vcpu.run.exit_reason = EXIT.HLT;
  return 0;
}

export function shutDown({ run }: Vcpu): 0 {
  run.exit_reason = EXIT.SHUTDOWN;
  return 0;
}

export function reportFailedEntry({ run }: Vcpu, cpu: HostCpu, reason: bigint): 0 {
  run.exit_reason = EXIT.FAIL_ENTRY;
  run.fail_entry.hardware_entry_failure_reason = reason;
  run.fail_entry.cpu = cpu.number;
  return 0;
}

export function reportUnknown({ run }: Vcpu, { reason }: Exit): 0 {
  run.hw.hardware_exit_reason = BigInt(reason >>> 0);
  return internalError(run, "UNEXPECTED_EXIT_REASON");
}

export function internalError(run: Vcpu["run"], error: keyof typeof INTERNAL_ERROR): 0 {
  run.exit_reason = EXIT.INTERNAL_ERROR;
  run.internal.suberror = INTERNAL_ERROR[error];
  return 0;
}
