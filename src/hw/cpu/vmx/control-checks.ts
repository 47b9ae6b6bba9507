/**
 * Checks of VM entry on control fields: SDM Vol. 3, "Checks on VMX Controls". A failure is VMfailValid, "VM entry with
 * invalid control field(s)". Those that depend on more than fields which rarely change are apart.
 */

import { CR0 } from "../state.ts";
import {
  type Check,
  type Entering,
  isBelow,
  isMsrArea,
  isOffered,
  isPhysicalField,
  isSet,
  section,
} from "./check.ts";
import { CR3_TARGETS } from "./capabilities.ts";
import {
  ENTRY,
  EXIT,
  INFO,
  OFFERED,
  PIN,
  PRIMARY,
  SECONDARY,
  TRUE_DEFAULT1,
  DEFAULT1,
  TYPE,
} from "./controls.ts";
import { wordOf } from "./fields.ts";

const CR3_TARGET_COUNT = wordOf("CR3-target count");
const TPR_THRESHOLD = wordOf("TPR threshold");
const VIRTUAL_APIC = wordOf("Virtual-APIC address");
const VPID = wordOf("Virtual-processor identifier (VPID)");
const EPTP = wordOf("EPT pointer (EPTP)");
const MULTIPLIER = wordOf("TSC multiplier");
const INFORMATION = wordOf("VM-entry interruption-information field");
const ERROR_CODE = wordOf("VM-entry exception error code");
const LENGTH = wordOf("VM-entry instruction length");
const GUEST_CR0 = wordOf("Guest CR0");

const VTPR = 0x80;
const [UNCACHEABLE, WRITE_BACK] = [0, 6];
const LONGEST_INSTRUCTION = 15;
/** Exceptions with an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC. */
const WITH_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);

const unless =
  (applies: (entering: Entering) => boolean, holds: (entering: Entering) => boolean) =>
  (entering: Entering): boolean =>
    !applies(entering) || holds(entering);

const hasPrimary =
  (bit: number) =>
  ({ controls }: Entering): boolean =>
    isSet(controls.primary, bit);
const hasSecondary =
  (bit: number) =>
  ({ controls }: Entering): boolean =>
    isSet(controls.secondary, bit);

/** Memory type, page-walk length, and bits that are reserved. */
function isEptp({ words, profile }: Entering): boolean {
  const [low, high] = [words[EPTP] as number, words[EPTP + 1] as number];
  const type = low & 7;
  const isType = type === UNCACHEABLE || type === WRITE_BACK;
  return (
    isType && ((low >> 3) & 7) === 3 && (low & 0xf80) === 0 && isBelow(high, profile.physicalBits)
  );
}

const usesBitmaps = hasPrimary(PRIMARY.useIoBitmaps);
const usesTprShadow = hasPrimary(PRIMARY.useTprShadow);

const EXECUTION = section("VM-Execution Control Fields", [
  [
    "reserved bits of the pin-based controls",
    "Pin-based VM-execution controls",
    ({ controls }) => isOffered(controls.pin, TRUE_DEFAULT1.pin, OFFERED.pin | DEFAULT1.pin),
  ],
  [
    "reserved bits of the primary processor-based controls",
    "Primary processor-based VM-execution controls",
    ({ controls }) =>
      isOffered(controls.primary, TRUE_DEFAULT1.primary, OFFERED.primary | DEFAULT1.primary),
  ],
  [
    "reserved bits of the secondary processor-based controls",
    "Secondary processor-based VM-execution controls",
    ({ controls }) => isOffered(controls.secondary, 0, OFFERED.secondary),
  ],
  [
    "the CR3-target count is at most 4",
    "CR3-target count",
    ({ words }) => (words[CR3_TARGET_COUNT] as number) <= CR3_TARGETS,
  ],
  [
    "the address of I/O bitmap A",
    "Address of I/O bitmap A",
    unless(usesBitmaps, isPhysicalField("Address of I/O bitmap A", 12)),
  ],
  [
    "the address of I/O bitmap B",
    "Address of I/O bitmap B",
    unless(usesBitmaps, isPhysicalField("Address of I/O bitmap B", 12)),
  ],
  [
    "the address of the MSR bitmaps",
    "Address of MSR bitmaps",
    unless(hasPrimary(PRIMARY.useMsrBitmaps), isPhysicalField("Address of MSR bitmaps", 12)),
  ],
  [
    "the virtual-APIC address",
    "Virtual-APIC address",
    unless(usesTprShadow, isPhysicalField("Virtual-APIC address", 12)),
  ],
  [
    "virtual NMIs need NMI exiting",
    "Pin-based VM-execution controls",
    ({ controls: { pin } }) => isSet(pin, PIN.nmiExiting) || !isSet(pin, PIN.virtualNmis),
  ],
  [
    "NMI-window exiting needs virtual NMIs",
    "Primary processor-based VM-execution controls",
    ({ controls: { pin, primary } }) =>
      isSet(pin, PIN.virtualNmis) || !isSet(primary, PRIMARY.nmiWindowExiting),
  ],
  [
    "a VPID is not 0",
    "Virtual-processor identifier (VPID)",
    unless(hasSecondary(SECONDARY.enableVpid), ({ words }) => (words[VPID] as number) !== 0),
  ],
  ["the EPT pointer", "EPT pointer (EPTP)", unless(hasSecondary(SECONDARY.enableEpt), isEptp)],
  [
    "PML needs EPT",
    "Secondary processor-based VM-execution controls",
    unless(hasSecondary(SECONDARY.enablePml), hasSecondary(SECONDARY.enableEpt)),
  ],
  [
    "mode-based execute control needs EPT",
    "Secondary processor-based VM-execution controls",
    unless(hasSecondary(SECONDARY.modeBasedExecuteControl), hasSecondary(SECONDARY.enableEpt)),
  ],
  [
    "the PML address",
    "PML address",
    unless(hasSecondary(SECONDARY.enablePml), isPhysicalField("PML address", 12)),
  ],
  [
    "an unrestricted guest needs EPT",
    "Secondary processor-based VM-execution controls",
    unless(hasSecondary(SECONDARY.unrestrictedGuest), hasSecondary(SECONDARY.enableEpt)),
  ],
  [
    "the TSC multiplier is not 0",
    "TSC multiplier",
    unless(
      hasSecondary(SECONDARY.useTscScaling),
      ({ words }) => (words[MULTIPLIER] as number) !== 0 || (words[MULTIPLIER + 1] as number) !== 0,
    ),
  ],
]);

const EXITS = section("VM-Exit Control Fields", [
  [
    "reserved bits of the VM-exit controls",
    "VM-exit controls",
    ({ controls }) => isOffered(controls.exit, TRUE_DEFAULT1.exit, OFFERED.exit | DEFAULT1.exit),
  ],
  [
    "the VMX-preemption timer is saved only where it is active",
    "VM-exit controls",
    ({ controls: { pin, exit } }) =>
      isSet(pin, PIN.activatePreemptionTimer) || !isSet(exit, EXIT.savePreemptionTimer),
  ],
  [
    "the VM-exit MSR-store area",
    "VM-exit MSR-store address",
    isMsrArea("VM-exit MSR-store address", "VM-exit MSR-store count"),
  ],
  [
    "the VM-exit MSR-load area",
    "VM-exit MSR-load address",
    isMsrArea("VM-exit MSR-load address", "VM-exit MSR-load count"),
  ],
]);

const ENTRIES = section("VM-Entry Control Fields", [
  [
    "reserved bits of the VM-entry controls",
    "VM-entry controls",
    ({ controls }) =>
      isOffered(controls.entry, TRUE_DEFAULT1.entry, OFFERED.entry | DEFAULT1.entry) &&
      !isSet(controls.entry, ENTRY.entryToSmm | ENTRY.deactivateDualMonitor),
  ],
  [
    "the VM-entry MSR-load area",
    "VM-entry MSR-load address",
    isMsrArea("VM-entry MSR-load address", "VM-entry MSR-load count"),
  ],
]);

/** They depend on fields alone that change with VMWRITE to a control field. */
export const CONTROL_CHECKS: readonly Check[] = [...EXECUTION, ...EXITS, ...ENTRIES];

/** TPR threshold: of what is in memory. */
export const TPR_CHECKS: readonly Check[] = section("VM-Execution Control Fields", [
  [
    "bits 31 to 4 of the TPR threshold are 0",
    "TPR threshold",
    unless(usesTprShadow, ({ words }) => ((words[TPR_THRESHOLD] as number) & ~15) === 0),
  ],
  [
    "the TPR threshold is not above the virtual TPR",
    "TPR threshold",
    unless(usesTprShadow, ({ words, vmcs, memory }) => {
      const vtpr = Number(memory.read(vmcs.address(VIRTUAL_APIC) + VTPR, 1));
      return ((words[TPR_THRESHOLD] as number) & 15) <= vtpr >> 4;
    }),
  ],
]);

const information = ({ words }: Entering): number => words[INFORMATION] as number;
const typeOf = (entering: Entering): number => (information(entering) & INFO.type) >> 8;
const vectorOf = (entering: Entering): number => information(entering) & INFO.vector;

function isVectorOfType(entering: Entering): boolean {
  const vector = vectorOf(entering);
  switch (typeOf(entering)) {
    case TYPE.nmi:
      return vector === 2;
    case TYPE.hardwareException:
      return vector <= 31;
    case TYPE.otherEvent:
      return vector === 0;
    default:
      return true;
  }
}

/** A guest without protected mode delivers none; there is no such guest but an unrestricted one. */
const isProtected = ({ words, controls }: Entering): boolean =>
  !isSet(controls.secondary, SECONDARY.unrestrictedGuest) ||
  ((words[GUEST_CR0] as number) & Number(CR0.PE)) !== 0;

const hasErrorCode = (entering: Entering): boolean =>
  typeOf(entering) === TYPE.hardwareException &&
  isProtected(entering) &&
  WITH_ERROR_CODE.has(vectorOf(entering));

const isSoftware = (entering: Entering): boolean => {
  const type = typeOf(entering);
  return type >= TYPE.softwareInterrupt && type <= TYPE.softwareException;
};

/** To be asked where the field is valid. */
export const INJECTION_CHECKS: readonly Check[] = section("VM-Entry Control Fields", [
  [
    "the interruption type is not reserved",
    "VM-entry interruption-information field",
    (entering) => typeOf(entering) !== 1,
  ],
  [
    "the vector is one of the interruption type",
    "VM-entry interruption-information field",
    isVectorOfType,
  ],
  [
    "an error code is delivered by the exceptions that have one, and by no others",
    "VM-entry interruption-information field",
    (entering) => isSet(information(entering), INFO.deliverErrorCode) === hasErrorCode(entering),
  ],
  [
    "bits 30 to 12 of the interruption information are 0",
    "VM-entry interruption-information field",
    (entering) => (information(entering) & 0x7fff_f000) === 0,
  ],
  [
    "bits 31 to 16 of the error code are 0",
    "VM-entry exception error code",
    (entering) =>
      !isSet(information(entering), INFO.deliverErrorCode) ||
      (entering.words[ERROR_CODE] as number) >>> 16 === 0,
  ],
  [
    "an instruction has at most 15 bytes",
    "VM-entry instruction length",
    (entering) =>
      !isSoftware(entering) || (entering.words[LENGTH] as number) <= LONGEST_INSTRUCTION,
  ],
]);
