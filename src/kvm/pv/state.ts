/** What a vCPU and its guest have agreed on: Linux, Documentation/virt/kvm/x86/msr.rst. */

export interface PvState {
  /** KVM_CAP_ENFORCE_PV_FEATURE_CPUID. */
  readonly isEnforced: boolean;
  /** MSR_KVM_SYSTEM_TIME_NEW: where the guest finds its clock. */
  systemTime: bigint;
  /** The guest's clock has to be written, and is to say that the guest was stopped. */
  isClockDue: boolean;
  isStopped: boolean;
  /** MSR_KVM_STEAL_TIME; whether it has to be written, and the run delay when it was. */
  stealTime: bigint;
  isStealDue: boolean;
  lastDelay: number;
  /** MSR_KVM_PV_EOI_EN; the guest has been told that it need not write EOI. */
  eoi: bigint;
  isEoiOffered: boolean;
  /** MSR_KVM_POLL_CONTROL. */
  pollControl: bigint;
  /** KVM_HC_KICK_CPU has ended the next halt, or this one. */
  isKicked: boolean;
}

export const initialPv = (): PvState => ({
  isEnforced: false,
  systemTime: 0n,
  isClockDue: false,
  isStopped: false,
  stealTime: 0n,
  isStealDue: false,
  lastDelay: 0,
  eoi: 0n,
  isEoiOffered: false,
  pollControl: 1n,
  isKicked: false,
});

/** After INIT nothing of the guest's memory is the module's any more. */
export const pvAfterInit = ({ isEnforced, pollControl, lastDelay }: PvState): PvState => ({
  ...initialPv(),
  isEnforced,
  pollControl,
  lastDelay,
});
