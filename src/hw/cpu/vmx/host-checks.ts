/**
 * Checks of VM entry on the host-state area: SDM Vol. 3, "Checks on Host Control Registers, MSRs, and SSP", "Checks on
 * Host Segment and Descriptor-Table Registers", "Checks Related to Address-Space Size". A failure is VMfailValid, "VM
 * entry with invalid host-state field(s)".
 */

import { EFER } from "../state.ts";
import { allowsCr0, allowsCr4 } from "./capabilities.ts";
import {
  type Check,
  type Entering,
  isBelow,
  isCanonicalField,
  isPatField,
  isSet,
  section,
} from "./check.ts";
import { ENTRY, EXIT } from "./controls.ts";
import { type FieldName, fieldOf, wordOf } from "./fields.ts";

const CR3_HIGH = wordOf("Host CR3") + 1;
const CR4_LOW = wordOf("Host CR4");
const EFER_LOW = wordOf("Host IA32_EFER");
const RIP = wordOf("Host RIP");
const [PAE, PCIDE] = [0x20, 0x2_0000];

/** Bits of IA32_EFER that exist. */
export const EFER_BITS = Number(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
const [LME, LMA] = [Number(EFER.LME), Number(EFER.LMA)];

const isWide = ({ controls }: Entering): boolean => isSet(controls.exit, EXIT.hostAddressSpaceSize);

const REGISTERS = section("Checks on Host Control Registers, MSRs, and SSP", [
  ["CR0", "Host CR0", ({ vmcs }) => allowsCr0(vmcs.read(fieldOf("Host CR0")), false)],
  ["CR4", "Host CR4", ({ vmcs, profile }) => allowsCr4(vmcs.read(fieldOf("Host CR4")), profile)],
  [
    "CR3 is within the physical-address width",
    "Host CR3",
    ({ words, profile }) => isBelow(words[CR3_HIGH] as number, profile.physicalBits),
  ],
  [
    "IA32_SYSENTER_ESP is canonical",
    "Host IA32_SYSENTER_ESP",
    isCanonicalField("Host IA32_SYSENTER_ESP"),
  ],
  [
    "IA32_SYSENTER_EIP is canonical",
    "Host IA32_SYSENTER_EIP",
    isCanonicalField("Host IA32_SYSENTER_EIP"),
  ],
  [
    "IA32_PAT",
    "Host IA32_PAT",
    (entering) =>
      !isSet(entering.controls.exit, EXIT.loadPat) || isPatField("Host IA32_PAT")(entering),
  ],
  [
    "reserved bits of IA32_EFER are 0; LMA and LME agree with the host's address-space size",
    "Host IA32_EFER",
    (entering) => {
      if (!isSet(entering.controls.exit, EXIT.loadEfer)) return true;
      const [low, high] = [entering.words[EFER_LOW], entering.words[EFER_LOW + 1]];
      const wide = isWide(entering) ? LME | LMA : 0;
      return (
        high === 0 &&
        ((low as number) & ~EFER_BITS) === 0 &&
        ((low as number) & (LME | LMA)) === wide
      );
    },
  ],
]);

const selector = (name: FieldName): ((entering: Entering) => boolean) => {
  const at = wordOf(name);
  return ({ words }) => ((words[at] as number) & 7) === 0;
};

const SEGMENTS = section("Checks on Host Segment and Descriptor-Table Registers", [
  ...(["CS", "SS", "DS", "ES", "FS", "GS", "TR"] as const).map((name) => {
    const field = `Host ${name} selector` as const;
    return [`RPL and TI of ${name} are 0`, field, selector(field)] as const;
  }),
  ...(["CS", "TR"] as const).map((name) => {
    const field = `Host ${name} selector` as const;
    const at = wordOf(field);
    return [`${name} is not null`, field, ({ words }: Entering) => words[at] !== 0] as const;
  }),
  [
    "SS is not null outside 64-bit mode",
    "Host SS selector",
    (entering) => isWide(entering) || entering.words[wordOf("Host SS selector")] !== 0,
  ],
  ...(["FS", "GS", "GDTR", "IDTR", "TR"] as const).map((name) => {
    const field = `Host ${name} base` as const;
    return [`the base of ${name} is canonical`, field, isCanonicalField(field)] as const;
  }),
]);

const isRipCanonical = isCanonicalField("Host RIP");

const ADDRESS_SPACE = section("Checks Related to Address-Space Size", [
  [
    "outside IA-32e mode no IA-32e mode guest is entered",
    "VM-entry controls",
    ({ isLongMode, controls }) => isLongMode || !isSet(controls.entry, ENTRY.ia32eModeGuest),
  ],
  [
    "the host's address-space size is that of now",
    "VM-exit controls",
    (entering) => isWide(entering) === entering.isLongMode,
  ],
  [
    "a host outside IA-32e mode has no IA-32e mode guest",
    "VM-entry controls",
    (entering) => isWide(entering) || !isSet(entering.controls.entry, ENTRY.ia32eModeGuest),
  ],
  [
    "CR4.PCIDE is 0 outside IA-32e mode",
    "Host CR4",
    (entering) => isWide(entering) || !isSet(entering.words[CR4_LOW] as number, PCIDE),
  ],
  [
    "RIP has 32 bits outside IA-32e mode",
    "Host RIP",
    (entering) => isWide(entering) || entering.words[RIP + 1] === 0,
  ],
  [
    "CR4.PAE is 1 in IA-32e mode",
    "Host CR4",
    (entering) => !isWide(entering) || isSet(entering.words[CR4_LOW] as number, PAE),
  ],
  [
    "RIP is canonical in IA-32e mode",
    "Host RIP",
    (entering) => !isWide(entering) || isRipCanonical(entering),
  ],
]);

export const HOST_CHECKS: readonly Check[] = [...REGISTERS, ...SEGMENTS, ...ADDRESS_SPACE];
