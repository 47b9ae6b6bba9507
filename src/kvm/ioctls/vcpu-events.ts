/** Events of a vCPU as user space gives and gets them: KVM API, "KVM_GET_VCPU_EVENTS"; Linux, arch/x86/kvm/x86.c, kvm_vcpu_ioctl_x86_set_vcpu_events. */

import { BLOCKING, PENDING } from "../../hw/cpu/state.ts";
import type { Errno } from "../../linux/errno.ts";
import type { Vcpu } from "../vcpu.ts";
import type { PendingEvent } from "../x86/ops.ts";
import type { ValueOf } from "./ioctl.ts";
import type { kvm_vcpu_events } from "./structures.ts";

type Events = ValueOf<typeof kvm_vcpu_events>;

/** KVM_VCPUEVENT_VALID_*: what is looked at. */
const VALID = { NMI_PENDING: 1, SIPI_VECTOR: 2, SHADOW: 4, SMM: 8 };
const ALL_VALID = VALID.NMI_PENDING | VALID.SIPI_VECTOR | VALID.SHADOW | VALID.SMM;
/** KVM_X86_SHADOW_INT_*. */
const SHADOW = { MOV_SS: 1, STI: 2 };
const [NMI, LAST_EXCEPTION] = [2, 31];

const bit = (isSet: boolean): number => (isSet ? 1 : 0);

/** There is no system management mode, and what a startup IPI says stays with the local APIC. */
export function getEvents({ registers, state: { pending } }: Vcpu): Events {
  const { blocking } = registers;
  const of = (type: PendingEvent["type"]): PendingEvent | null =>
    pending?.type === type ? pending : null;
  const [exception, interrupt] = [of("exception"), of("interrupt")];
  const errorCode = exception?.errorCode ?? null;
  return {
    exception: {
      injected: bit(exception !== null),
      nr: exception?.vector ?? 0,
      has_error_code: bit(errorCode !== null),
      pending: 0,
      error_code: errorCode ?? 0,
    },
    interrupt: {
      injected: bit(interrupt !== null),
      nr: interrupt?.vector ?? 0,
      soft: 0,
      shadow:
        ((blocking & BLOCKING.movSs) === 0 ? 0 : SHADOW.MOV_SS) |
        ((blocking & BLOCKING.sti) === 0 ? 0 : SHADOW.STI),
    },
    nmi: {
      injected: bit(of("NMI") !== null),
      pending: bit((registers.pending & PENDING.nmi) !== 0),
      masked: bit((blocking & BLOCKING.nmi) !== 0),
    },
    sipi_vector: 0,
    flags: VALID.NMI_PENDING | VALID.SHADOW,
    smi: { smm: 0, pending: 0, smm_inside_nmi: 0, latched_init: 0 },
    triple_fault: { pending: 0 },
    exception_has_payload: 0,
    exception_payload: 0n,
  };
}

export function setEvents({ registers, state }: Vcpu, events: Events): Errno | null {
  if (!isValid(events)) return "EINVAL";
  const { flags, nmi, interrupt } = events;
  state.pending = injectedOf(events);
  registers.blocking = withBit(registers.blocking, BLOCKING.nmi, nmi.masked);
  if ((flags & VALID.NMI_PENDING) !== 0)
    registers.pending = withBit(registers.pending, PENDING.nmi, nmi.pending);
  if ((flags & VALID.SHADOW) === 0) return null;
  const { shadow } = interrupt;
  const held = withBit(registers.blocking, BLOCKING.movSs, shadow & SHADOW.MOV_SS);
  registers.blocking = withBit(held, BLOCKING.sti, shadow & SHADOW.STI);
  return null;
}

const withBit = (word: number, mask: number, value: number): number =>
  value === 0 ? word & ~mask : word | mask;

function isValid({ flags, exception, smi }: Events): boolean {
  const { nr } = exception;
  if ((flags & ~ALL_VALID) !== 0) return false;
  if (exception.injected !== 0 && (nr > LAST_EXCEPTION || nr === NMI)) return false;
  return (flags & VALID.SMM) === 0 || (smi.smm | smi.pending | smi.smm_inside_nmi) === 0;
}

/** There is one at most: of several, what the processor would deliver first. */
function injectedOf({ exception, nmi, interrupt }: Events): PendingEvent | null {
  if (exception.injected !== 0) {
    const errorCode = exception.has_error_code === 0 ? null : exception.error_code;
    return { type: "exception", vector: exception.nr, errorCode };
  }
  if (nmi.injected !== 0) return { type: "NMI", vector: NMI, errorCode: null };
  if (interrupt.injected === 0) return null;
  return { type: "interrupt", vector: interrupt.nr, errorCode: null };
}
