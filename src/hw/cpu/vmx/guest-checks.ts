/**
 * Checks of VM entry on the guest-state area: SDM Vol. 3, "Checks on the Guest State Area". A failure is the exit "VM-entry
 * failure due to invalid guest state". Guests change their state all the time, so these are made at each entry, on words.
 */

import { DEBUGCTL } from "../msr/bits.ts";
import { CR0, CR4, EFER, RFLAGS } from "../state.ts";
import { cr4Bits } from "../control-registers.ts";
import {
  type Check,
  type Entering,
  isBelow,
  isCanonicalField,
  isCanonicalWord,
  isPatField,
  isSet,
  section,
} from "./check.ts";
import { ENTRY, SECONDARY } from "./controls.ts";
import { wordOf } from "./fields.ts";
import { EFER_BITS } from "./host-checks.ts";

const CR0_LOW = wordOf("Guest CR0");
const CR3_HIGH = wordOf("Guest CR3") + 1;
const CR4_LOW = wordOf("Guest CR4");
const DR7_HIGH = wordOf("Guest DR7") + 1;
const DEBUGCTL_AT = wordOf("Guest IA32_DEBUGCTL");
const DEBUGCTL_BITS = Number(DEBUGCTL.LBR | DEBUGCTL.BTF);
const EFER_LOW = wordOf("Guest IA32_EFER");
const RIP = wordOf("Guest RIP");
const FLAGS = wordOf("Guest RFLAGS");
const CS_RIGHTS = wordOf("Guest CS access rights");
const SYSENTER_ESP = wordOf("Guest IA32_SYSENTER_ESP");
const SYSENTER_EIP = wordOf("Guest IA32_SYSENTER_EIP");

const PE = Number(CR0.PE);
const PG = 0x8000_0000 | 0;
const NE = Number(CR0.NE);
const PAE = Number(CR4.PAE);
const PCIDE = Number(CR4.PCIDE);
const VMXE = Number(CR4.VMXE);
const [LME, LMA] = [Number(EFER.LME), Number(EFER.LMA)];
const [VM, IF] = [Number(RFLAGS.VM), Number(RFLAGS.IF)];
const LONG = 0x2000;
/** Bits of RFLAGS that are 0, and the one that is 1. */
const [FLAGS_RESERVED, FLAGS_ONE] = [0xffc0_8028 | 0, 2];

export const isLongGuest = ({ controls }: Entering): boolean =>
  (controls.entry & ENTRY.ia32eModeGuest) !== 0;
export const isUnrestricted = ({ controls }: Entering): boolean =>
  (controls.secondary & SECONDARY.unrestrictedGuest) !== 0;
const isVirtual8086 = ({ words }: Entering): boolean => ((words[FLAGS] as number) & VM) !== 0;
export const guestCr0 = ({ words }: Entering): number => words[CR0_LOW] as number;
const guestCr4 = ({ words }: Entering): number => words[CR4_LOW] as number;

function isCr0(entering: Entering): boolean {
  const value = guestCr0(entering);
  if (entering.words[CR0_LOW + 1] !== 0 || (value & NE) === 0) return false;
  const both = PE | PG;
  if (!isUnrestricted(entering)) return (value & both) === both;
  return (value & PG) === 0 || (value & PE) !== 0;
}

const cr4Masks = new Map<Entering["profile"], number>();
function cr4Mask(profile: Entering["profile"]): number {
  const known = cr4Masks.get(profile);
  if (known !== undefined) return known;
  const mask = Number(cr4Bits(profile));
  cr4Masks.set(profile, mask);
  return mask;
}

function isEfer(entering: Entering): boolean {
  const { words, controls } = entering;
  if ((controls.entry & ENTRY.loadEfer) === 0) return true;
  const low = words[EFER_LOW] as number;
  if (words[EFER_LOW + 1] !== 0 || (low & ~EFER_BITS) !== 0) return false;
  const isActive = (low & LMA) !== 0;
  if (isActive !== isLongGuest(entering)) return false;
  return (guestCr0(entering) & PG) === 0 || isActive === ((low & LME) !== 0);
}

const isPat = isPatField("Guest IA32_PAT");

const REGISTERS = section("Checks on Guest Control Registers, Debug Registers, and MSRs", [
  ["CR0", "Guest CR0", isCr0],
  [
    "CR4",
    "Guest CR4",
    ({ words, profile }) =>
      words[CR4_LOW + 1] === 0 &&
      ((words[CR4_LOW] as number) & VMXE) !== 0 &&
      ((words[CR4_LOW] as number) & ~cr4Mask(profile)) === 0,
  ],
  [
    "reserved bits of IA32_DEBUGCTL are 0",
    "Guest IA32_DEBUGCTL",
    ({ words, controls }) =>
      (controls.entry & ENTRY.loadDebugControls) === 0 ||
      (((words[DEBUGCTL_AT] as number) & ~DEBUGCTL_BITS) === 0 && words[DEBUGCTL_AT + 1] === 0),
  ],
  [
    "an IA-32e mode guest has paging",
    "Guest CR0",
    (entering) => !isLongGuest(entering) || (guestCr0(entering) & PG) !== 0,
  ],
  [
    "an IA-32e mode guest has CR4.PAE",
    "Guest CR4",
    (entering) => !isLongGuest(entering) || (guestCr4(entering) & PAE) !== 0,
  ],
  [
    "CR4.PCIDE is 0 outside IA-32e mode",
    "Guest CR4",
    (entering) => isLongGuest(entering) || (guestCr4(entering) & PCIDE) === 0,
  ],
  [
    "CR3 is within the physical-address width",
    "Guest CR3",
    ({ words, profile }) => isBelow(words[CR3_HIGH] as number, profile.physicalBits),
  ],
  [
    "bits 63 to 32 of DR7 are 0",
    "Guest DR7",
    ({ words, controls }) =>
      (controls.entry & ENTRY.loadDebugControls) === 0 || words[DR7_HIGH] === 0,
  ],
  [
    "IA32_SYSENTER_ESP is canonical",
    "Guest IA32_SYSENTER_ESP",
    ({ words }) => isCanonicalWord(words, SYSENTER_ESP),
  ],
  [
    "IA32_SYSENTER_EIP is canonical",
    "Guest IA32_SYSENTER_EIP",
    ({ words }) => isCanonicalWord(words, SYSENTER_EIP),
  ],
  [
    "IA32_PAT",
    "Guest IA32_PAT",
    (entering) => (entering.controls.entry & ENTRY.loadPat) === 0 || isPat(entering),
  ],
  ["IA32_EFER", "Guest IA32_EFER", isEfer],
]);

const TABLES = section(
  "Checks on Guest Descriptor-Table Registers",
  (["GDTR", "IDTR"] as const).flatMap((name) => {
    const [base, limit] = [`Guest ${name} base`, `Guest ${name} limit`] as const;
    const at = wordOf(limit);
    return [
      [`the base of ${name} is canonical`, base, isCanonicalField(base)],
      [
        `bits 31 to 16 of the limit of ${name} are 0`,
        limit,
        ({ words }: Entering) => (words[at] as number) >>> 16 === 0,
      ],
    ] as const;
  }),
);

/** Bit 47 need not be as those above: behind the last instruction below the gap, RIP is not canonical. */
const isLinearWord = (words: Uint32Array, at: number): boolean => {
  const top = ((words[at + 1] as number) | 0) >> 16;
  return top === 0 || top === -1;
};

const isLongCode = (entering: Entering): boolean =>
  isLongGuest(entering) && isSet(entering.words[CS_RIGHTS] as number, LONG);

const INSTRUCTION = section("Checks on Guest RIP, RFLAGS, and SSP", [
  [
    "RIP has 32 bits outside 64-bit mode, and bits 63:48 alike in it",
    "Guest RIP",
    (entering) =>
      isLongCode(entering) ? isLinearWord(entering.words, RIP) : entering.words[RIP + 1] === 0,
  ],
  [
    "reserved bits of RFLAGS",
    "Guest RFLAGS",
    ({ words }) =>
      words[FLAGS + 1] === 0 &&
      ((words[FLAGS] as number) & (FLAGS_RESERVED | FLAGS_ONE)) === FLAGS_ONE,
  ],
  [
    "RFLAGS.VM is 0 in IA-32e mode and where CR0.PE is 0",
    "Guest RFLAGS",
    (entering) =>
      !isVirtual8086(entering) || (!isLongGuest(entering) && (guestCr0(entering) & PE) !== 0),
  ],
  [
    "RFLAGS.IF is 1 where an external interrupt is injected",
    "Guest RFLAGS",
    ({ words }) =>
      ((words[INFORMATION] as number) & VALID_AND_TYPE) !== VALID ||
      ((words[FLAGS] as number) & IF) !== 0,
  ],
]);
const INFORMATION = wordOf("VM-entry interruption-information field");
const VALID = 0x8000_0000 | 0;
const VALID_AND_TYPE = 0x8000_0700 | 0;

export const GUEST_REGISTER_CHECKS: readonly Check[] = REGISTERS;
export const GUEST_TABLE_CHECKS: readonly Check[] = TABLES;
export const GUEST_INSTRUCTION_CHECKS: readonly Check[] = INSTRUCTION;
