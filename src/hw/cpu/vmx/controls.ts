/** Bits of the control fields: SDM Vol. 3, "VM-Execution Control Fields", "VM-Exit Control Fields", "VM-Entry Control Fields". */

/** "Definitions of Pin-Based VM-Execution Controls". */
export const PIN = {
  externalInterruptExiting: 0x1,
  nmiExiting: 0x8,
  virtualNmis: 0x20,
  activatePreemptionTimer: 0x40,
} as const;

/** "Definitions of Primary Processor-Based VM-Execution Controls". */
export const PRIMARY = {
  interruptWindowExiting: 0x4,
  useTscOffsetting: 0x8,
  hltExiting: 0x80,
  invlpgExiting: 0x200,
  mwaitExiting: 0x400,
  rdpmcExiting: 0x800,
  rdtscExiting: 0x1000,
  cr3LoadExiting: 0x8000,
  cr3StoreExiting: 0x1_0000,
  cr8LoadExiting: 0x8_0000,
  cr8StoreExiting: 0x10_0000,
  useTprShadow: 0x20_0000,
  nmiWindowExiting: 0x40_0000,
  movDrExiting: 0x80_0000,
  unconditionalIoExiting: 0x100_0000,
  useIoBitmaps: 0x200_0000,
  monitorTrapFlag: 0x800_0000,
  useMsrBitmaps: 0x1000_0000,
  monitorExiting: 0x2000_0000,
  pauseExiting: 0x4000_0000,
  activateSecondaryControls: 0x8000_0000,
} as const;

/** "Definitions of Secondary Processor-Based VM-Execution Controls". */
export const SECONDARY = {
  enableEpt: 0x2,
  descriptorTableExiting: 0x4,
  enableRdtscp: 0x8,
  enableVpid: 0x20,
  wbinvdExiting: 0x40,
  unrestrictedGuest: 0x80,
  pauseLoopExiting: 0x400,
  rdrandExiting: 0x800,
  enableInvpcid: 0x1000,
  rdseedExiting: 0x1_0000,
  enablePml: 0x2_0000,
  modeBasedExecuteControl: 0x40_0000,
  useTscScaling: 0x200_0000,
} as const;

/** "Definitions of Primary VM-Exit Controls". */
export const EXIT = {
  saveDebugControls: 0x4,
  hostAddressSpaceSize: 0x200,
  acknowledgeInterruptOnExit: 0x8000,
  savePat: 0x4_0000,
  loadPat: 0x8_0000,
  saveEfer: 0x10_0000,
  loadEfer: 0x20_0000,
  savePreemptionTimer: 0x40_0000,
} as const;

/** "Definitions of VM-Entry Controls". */
export const ENTRY = {
  loadDebugControls: 0x4,
  ia32eModeGuest: 0x200,
  entryToSmm: 0x400,
  deactivateDualMonitor: 0x800,
  loadPat: 0x4000,
  loadEfer: 0x8000,
} as const;

/** Interruption information: SDM Vol. 3, "VM-Entry Controls for Event Injection". */
export const INFO = {
  vector: 0xff,
  type: 0x700,
  deliverErrorCode: 0x800,
  /** In exits: NMI unblocking due to IRET. */
  nmiUnblocking: 0x1000,
  valid: 0x8000_0000,
} as const;

/** Interruption types, by number. */
export const TYPE = {
  externalInterrupt: 0,
  nmi: 2,
  hardwareException: 3,
  softwareInterrupt: 4,
  privilegedSoftwareException: 5,
  softwareException: 6,
  otherEvent: 7,
} as const;

const sum = (bits: Readonly<Record<string, number>>): number =>
  Object.values(bits).reduce((all, bit) => (all | bit) >>> 0, 0);

/** What is offered: bits that may be 1 beside those that must be. */
export const OFFERED = {
  pin: sum(PIN),
  primary: sum(PRIMARY),
  secondary: sum(SECONDARY),
  exit: sum(EXIT),
  entry: (sum(ENTRY) & ~(ENTRY.entryToSmm | ENTRY.deactivateDualMonitor)) >>> 0,
} as const;

/** Reserved bits that are 1 ("default1"): SDM Vol. 3, "VMX Capability Reporting Facility", "Reserved Controls and Default Settings". */
export const DEFAULT1 = {
  pin: 0x16,
  primary: 0x0401_e172,
  exit: 0x3_6dff,
  entry: 0x11ff,
} as const;

/** The same of the TRUE capability MSRs: some of default1 may be 0. */
export const TRUE_DEFAULT1 = {
  pin: 0x16,
  primary: 0x0400_6172,
  exit: 0x3_6dfb,
  entry: 0x11fb,
} as const;
