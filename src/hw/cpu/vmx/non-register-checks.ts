/** Checks of VM entry on what is no register: SDM Vol. 3, "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table Entries". */

import { isReservedPdpte } from "../paging.ts";
import { ACTIVITY, BLOCKING, CR4, RFLAGS } from "../state.ts";
import { type Check, type Entering, isPhysicalWord, section } from "./check.ts";
import { INFO, PIN, SECONDARY, TYPE } from "./controls.ts";
import { wordOf } from "./fields.ts";
import { guestCr0, isLongGuest } from "./guest-checks.ts";
import { REVISION } from "./vmcs.ts";

const ACTIVITY_AT = wordOf("Guest activity state");
const INTERRUPTIBILITY = wordOf("Guest interruptibility state");
const PENDING_DEBUG = wordOf("Guest pending debug exceptions");
const FLAGS = wordOf("Guest RFLAGS");
const SS_RIGHTS = wordOf("Guest SS access rights");
const INFORMATION = wordOf("VM-entry interruption-information field");
const LINK = wordOf("VMCS link pointer");
const CR4_AT = wordOf("Guest CR4");
const PDPTE0 = wordOf("Guest PDPTE0");

const PG = 0x8000_0000 | 0;
const PAE = Number(CR4.PAE);
const [TF, IF] = [Number(RFLAGS.TF), Number(RFLAGS.IF)];
const SHADOWS = BLOCKING.sti | BLOCKING.movSs;
const BS = 0x4000;
/** Bits 3 to 0, 12 and 14. */
const PENDING_DEBUG_BITS = 0x500f;
const NONE = 0xffff_ffff;
const [DB, NMI, MC] = [1, 2, 18];

/** Exit qualifications of "VM-entry failure due to invalid guest state". */
export const QUALIFICATION = { pdpte: 2, nmi: 3, link: 4 } as const;

const activity = ({ words }: Entering): number => words[ACTIVITY_AT] as number;
const interruptibility = ({ words }: Entering): number => words[INTERRUPTIBILITY] as number;
const injects = ({ words }: Entering): boolean => ((words[INFORMATION] as number) | 0) < 0;
const typeOf = ({ words }: Entering): number => ((words[INFORMATION] as number) & INFO.type) >> 8;
const vectorOf = ({ words }: Entering): number => (words[INFORMATION] as number) & INFO.vector;
const injectsType = (entering: Entering, type: number): boolean =>
  injects(entering) && typeOf(entering) === type;

/** Whether an event that wakes a state is injected, or none. */
function mayInject(entering: Entering): boolean {
  if (!injects(entering)) return true;
  const [type, vector] = [typeOf(entering), vectorOf(entering)];
  const isException = type === TYPE.hardwareException;
  switch (activity(entering)) {
    case ACTIVITY.hlt:
      return (
        type === TYPE.externalInterrupt ||
        type === TYPE.nmi ||
        type === TYPE.otherEvent ||
        (isException && (vector === DB || vector === MC))
      );
    case ACTIVITY.shutdown:
      return (type === TYPE.nmi && vector === NMI) || (isException && vector === MC);
    case ACTIVITY.waitForSipi:
      return false;
    default:
      return true;
  }
}

/** Where a single step is held back, or cannot have been taken yet, BS says that RFLAGS.TF is set. */
function isStepPending(entering: Entering): boolean {
  const { words } = entering;
  const applies =
    (interruptibility(entering) & SHADOWS) !== 0 || activity(entering) === ACTIVITY.hlt;
  if (!applies) return true;
  return (
    (((words[PENDING_DEBUG] as number) & BS) !== 0) === (((words[FLAGS] as number) & TF) !== 0)
  );
}

function isLink({ words, profile, memory, vmcs }: Entering): boolean {
  if (words[LINK] === NONE && words[LINK + 1] === NONE) return true;
  if (!isPhysicalWord(words, LINK, 12, profile)) return false;
  const address = vmcs.address(LINK);
  return address !== vmcs.current && memory.read32(address) === REVISION;
}

const TITLE = "Checks on Guest Non-Register State";

export const NON_REGISTER_CHECKS: readonly Check[] = section(TITLE, [
  ["the activity state exists", "Guest activity state", (entering) => activity(entering) <= 3],
  [
    "HLT is of CPL 0",
    "Guest activity state",
    (entering) =>
      activity(entering) !== ACTIVITY.hlt ||
      (((entering.words[SS_RIGHTS] as number) >> 5) & 3) === 0,
  ],
  [
    "only an active guest blocks by STI or MOV SS",
    "Guest activity state",
    (entering) =>
      (interruptibility(entering) & SHADOWS) === 0 || activity(entering) === ACTIVITY.active,
  ],
  ["the event injected wakes the activity state", "Guest activity state", mayInject],
  [
    "bits 31 to 5 of the interruptibility state are 0",
    "Guest interruptibility state",
    (entering) => interruptibility(entering) >>> 5 === 0,
  ],
  [
    "blocking is by STI or by MOV SS",
    "Guest interruptibility state",
    (entering) => (interruptibility(entering) & SHADOWS) !== SHADOWS,
  ],
  [
    "blocking by STI needs RFLAGS.IF",
    "Guest interruptibility state",
    (entering) =>
      (interruptibility(entering) & BLOCKING.sti) === 0 ||
      ((entering.words[FLAGS] as number) & IF) !== 0,
  ],
  [
    "an external interrupt is injected where nothing blocks it",
    "Guest interruptibility state",
    (entering) =>
      !injectsType(entering, TYPE.externalInterrupt) ||
      (interruptibility(entering) & SHADOWS) === 0,
  ],
  [
    "an NMI is injected where neither STI nor MOV SS blocks it",
    "Guest interruptibility state",
    (entering) => !injectsType(entering, TYPE.nmi) || (interruptibility(entering) & SHADOWS) === 0,
    QUALIFICATION.nmi,
  ],
  [
    "blocking by SMI is of SMM, and an enclave there is not",
    "Guest interruptibility state",
    (entering) => (interruptibility(entering) & 0x14) === 0,
  ],
  [
    "with virtual NMIs, an NMI is injected where none blocks it",
    "Guest interruptibility state",
    (entering) =>
      (entering.controls.pin & PIN.virtualNmis) === 0 ||
      !injectsType(entering, TYPE.nmi) ||
      (interruptibility(entering) & BLOCKING.nmi) === 0,
  ],
  [
    "reserved bits of the pending debug exceptions are 0",
    "Guest pending debug exceptions",
    ({ words }) =>
      ((words[PENDING_DEBUG] as number) & ~PENDING_DEBUG_BITS) === 0 &&
      words[PENDING_DEBUG + 1] === 0,
  ],
  ["a pending single step", "Guest pending debug exceptions", isStepPending],
]);

/** The last of the same section, which looks at memory. */
export const LINK_CHECKS: readonly Check[] = section(TITLE, [
  ["the VMCS link pointer", "VMCS link pointer", isLink, QUALIFICATION.link],
]);

/** The guest uses PAE paging: its PDPTEs are in registers. */
export const usesPdptes = (entering: Entering): boolean =>
  (guestCr0(entering) & PG) !== 0 &&
  ((entering.words[CR4_AT] as number) & PAE) !== 0 &&
  !isLongGuest(entering);

/** With EPT the PDPTEs are fields. */
export const PDPTE_CHECKS: readonly Check[] = section(
  "Checks on Guest Page-Directory-Pointer-Table Entries",
  [0, 1, 2, 3].map((i) => [
    `reserved bits of PDPTE${i} are 0`,
    `Guest PDPTE${i}` as "Guest PDPTE0",
    ({ words, profile, controls }) => {
      const at = PDPTE0 + 2 * i;
      const isField = (controls.secondary & SECONDARY.enableEpt) !== 0;
      return (
        !isField ||
        !isReservedPdpte(profile.physicalBits, words[at] as number, words[at + 1] as number)
      );
    },
    QUALIFICATION.pdpte,
  ]),
);
