/** Fields that KVM writes once for each vCPU and CPU: SDM Vol. 3, "VM-Execution Control Fields", "Host-State Area". */

import { CR0, CR4 } from "../../hw/cpu/state.ts";
import { ENTRY, EXIT, PIN, PRIMARY, SECONDARY, TRUE_DEFAULT1 } from "../../hw/cpu/vmx/controls.ts";
import { EPTP_ACCESSED_DIRTY } from "../../hw/cpu/vmx/ept.ts";
import type { FieldName } from "../../hw/cpu/vmx/fields.ts";
import type { HostCpu } from "../../linux/host-cpu.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Hosted, Windows } from "./ops.ts";

type Values = readonly (readonly [FieldName, bigint])[];

/** Bits of the guest's registers that are not what it has written: VMX wants NE and VMXE, and CD and NW are the host's. */
export const OWNED = { CR0: CR0.NE | CR0.CD | CR0.NW, CR4: CR4.VMXE } as const;
/** What they are instead. */
export const FIXED = { CR0: CR0.NE, CR4: CR4.VMXE } as const;

const [WRITE_BACK, WALK_OF_4] = [6, 3 << 3];
/** Of entries that map a page, the memory type. */
export const LEAF_BITS = WRITE_BACK << 3;

const word = (...bits: readonly number[]): number =>
  bits.reduce((all, bit) => (all | bit) >>> 0, 0);

/** But for "IA-32e mode guest". */
export const ENTRY_CONTROLS = word(
  TRUE_DEFAULT1.entry,
  ENTRY.loadDebugControls,
  ENTRY.loadEfer,
  ENTRY.loadPat,
);

const PRIMARY_CONTROLS = word(
  TRUE_DEFAULT1.primary,
  PRIMARY.useTscOffsetting,
  PRIMARY.hltExiting,
  PRIMARY.cr8LoadExiting,
  PRIMARY.cr8StoreExiting,
  PRIMARY.unconditionalIoExiting,
  PRIMARY.activateSecondaryControls,
);
/** Written at each entry. */
export const primaryControls = ({ interrupt, nmi }: Windows, isDebugged: boolean): number =>
  PRIMARY_CONTROLS |
  (interrupt ? PRIMARY.interruptWindowExiting : 0) |
  (nmi ? PRIMARY.nmiWindowExiting : 0) |
  (isDebugged ? PRIMARY.movDrExiting : 0);

const eptPointer = ({ root }: Hosted): number =>
  root * PAGE_SIZE + (WRITE_BACK | WALK_OF_4 | EPTP_ACCESSED_DIRTY);

const SECONDARY_CONTROLS = word(
  SECONDARY.enableEpt,
  SECONDARY.enableRdtscp,
  SECONDARY.enableVpid,
  SECONDARY.unrestrictedGuest,
  SECONDARY.enableInvpcid,
);
const LOGGING = SECONDARY_CONTROLS | SECONDARY.enablePml;
/** They change with the slots. */
export const secondaryControls = ({ log, isLogging }: Hosted): number =>
  log !== 0 && isLogging ? LOGGING : SECONDARY_CONTROLS;

/** The log is filled from its last entry down to the first. */
export const LAST_ENTRY = 511;

export const controlFields = (vcpu: Hosted): Values => [
  [
    "Pin-based VM-execution controls",
    BigInt(word(TRUE_DEFAULT1.pin, PIN.externalInterruptExiting, PIN.nmiExiting, PIN.virtualNmis)),
  ],
  ["Secondary processor-based VM-execution controls", BigInt(secondaryControls(vcpu))],
  [
    "VM-exit controls",
    BigInt(
      word(
        TRUE_DEFAULT1.exit,
        EXIT.saveDebugControls,
        EXIT.hostAddressSpaceSize,
        EXIT.savePat,
        EXIT.loadPat,
        EXIT.saveEfer,
        EXIT.loadEfer,
      ),
    ),
  ],
  ["CR0 guest/host mask", OWNED.CR0],
  ["CR4 guest/host mask", OWNED.CR4],
  ["EPT pointer (EPTP)", BigInt(eptPointer(vcpu))],
  ["Virtual-processor identifier (VPID)", BigInt(vcpu.tag)],
  ["VMCS link pointer", 2n ** 64n - 1n],
  ["PML address", BigInt(vcpu.log * PAGE_SIZE)],
  ["PML index", BigInt(LAST_ENTRY)],
];

const [CODE, DATA, TASK] = [0x8n, 0x10n, 0x18n];
const PAT = 0x0007_0406_0007_0406n;

export const hostFields = ({ state }: HostCpu): Values => [
  ["Host CR0", state.control("CR0")],
  ["Host CR3", state.control("CR3")],
  ["Host CR4", state.control("CR4")],
  ["Host IA32_EFER", state.control("EFER")],
  ["Host IA32_PAT", PAT],
  ["Host CS selector", CODE],
  ["Host ES selector", DATA],
  ["Host SS selector", DATA],
  ["Host DS selector", DATA],
  ["Host FS selector", DATA],
  ["Host GS selector", DATA],
  ["Host TR selector", TASK],
];
