/** What is done at each kind of exit: null, and the guest goes on; 0 or an error, and user space has it. */

import type { Errno } from "../../linux/errno.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { unreachable } from "../../sim/assert.ts";
import { undefinedInstruction } from "../events.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Exit } from "../x86/ops.ts";
import { handleCpuid } from "./cpuid.ts";
import { handleException } from "./debug.ts";
import { handleHypercall } from "./hypercall.ts";
import { handleInstruction } from "./instruction.ts";
import { handleMemory } from "./memory.ts";
import { handleMsr } from "./msr.ts";
import { handlePort } from "./port.ts";
import { halt, reportFailedEntry, reportUnknown, shutDown } from "./to-user.ts";

export function handleExit(vcpu: Vcpu, cpu: HostCpu, exit: Exit): 0 | Errno | null {
  const { cause } = exit;
  // An event whose delivery was cut short is delivered anew, unless a handler finds that it cannot be.
  vcpu.state.pending = exit.vectoring;
  switch (cause.is) {
    case "interrupt":
    case "window":
      return null;
    case "memory":
      return handleMemory(vcpu, cpu, cause);
    case "instruction":
      return handleInstruction(vcpu, cpu);
    case "exception":
      return handleException(vcpu, cpu, cause);
    case "port":
      return handlePort(vcpu, cpu, exit, cause);
    case "RDMSR":
    case "WRMSR":
      return handleMsr(vcpu, cpu, exit, cause.is);
    case "CPUID":
      return handleCpuid(vcpu, cpu, exit);
    case "hypercall":
      return handleHypercall(vcpu, cpu, exit);
    case "undefined instruction":
      vcpu.toRegisters(cpu);
      vcpu.state.pending = undefinedInstruction(vcpu.registers);
      return null;
    case "HLT":
      return halt(vcpu, cpu, exit);
    case "shutdown":
      return shutDown(vcpu);
    case "failed entry":
      return reportFailedEntry(vcpu, cpu, cause.reason);
    case "unknown":
      return reportUnknown(vcpu, exit);
    default:
      return unreachable(cause);
  }
}
