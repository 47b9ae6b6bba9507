/** Registers of a guest between the block of its vCPU, its VMCS and the CPU: SDM Vol. 3, "Guest-State Area"; Linux, arch/x86/kvm/vmx/vmx.c. */

import { readSlot, type SlotName, slotOffset } from "../../hw/cpu/msr/slots.ts";
import {
  BIT,
  BLOCKING,
  type CpuState,
  controlOffset,
  OFFSET,
  segmentOffset,
  systemSegmentOffset,
} from "../../hw/cpu/state.ts";
import { SEGMENT_NAMES } from "../../hw/cpu/uop.ts";
import { ENTRY } from "../../hw/cpu/vmx/controls.ts";
import { FieldMoves, type FieldPlace } from "../../hw/cpu/vmx/field-moves.ts";
import { fieldOf } from "../../hw/cpu/vmx/fields.ts";
import type { CurrentVmcs } from "./current-vmcs.ts";
import { SwappedRegisters } from "./swapped.ts";
import { ENTRY_CONTROLS, FIXED, OWNED } from "./vmx-fields.ts";

const SEGMENTS = [
  ...SEGMENT_NAMES.map((name) => [name, segmentOffset(name)] as const),
  ...(["LDTR", "TR"] as const).map((name) => [name, systemSegmentOffset(name)] as const),
] as const;
const TABLES = [
  ["GDTR", OFFSET.gdtr],
  ["IDTR", OFFSET.idtr],
] as const;
const MSRS = [
  "IA32_DEBUGCTL",
  "IA32_PAT",
  "IA32_SYSENTER_CS",
  "IA32_SYSENTER_ESP",
  "IA32_SYSENTER_EIP",
] as const;
const [DR6, DR7] = [OFFSET.debug + 8 * 4, OFFSET.debug + 8 * 5];

/** What is the same in the fields and in the block. */
const PLACES: readonly FieldPlace[] = [
  ...SEGMENTS.flatMap(([name, at]): readonly FieldPlace[] => [
    [`Guest ${name} base`, at],
    [`Guest ${name} limit`, at + 8],
    [`Guest ${name} access rights`, at + 12],
    [`Guest ${name} selector`, at + 16],
  ]),
  ...TABLES.flatMap(([name, at]): readonly FieldPlace[] => [
    [`Guest ${name} base`, at],
    [`Guest ${name} limit`, at + 8],
  ]),
  ...MSRS.map((name): FieldPlace => [`Guest ${name}`, slotOffset(name)]),
  ...([0, 1, 2, 3] as const).map((i): FieldPlace => [`Guest PDPTE${i}`, OFFSET.pdptes + 8 * i]),
  ["Guest CR3", controlOffset("CR3")],
  ["Guest IA32_EFER", controlOffset("EFER")],
  ["Guest DR7", DR7],
  ["Guest RSP", OFFSET.gpr + 8 * 4],
  ["Guest RIP", OFFSET.rip],
  ["Guest RFLAGS", OFFSET.rflags],
];
const FIELDS = new FieldMoves(PLACES);
/** The field has 32 bits. */
const SYSENTER_CS_ABOVE = slotOffset("IA32_SYSENTER_CS") / 4 + 1;

/** MSRs that instructions use and that no VMCS has. */
const SWAPPED_MSRS: readonly SlotName[] = [
  "IA32_STAR",
  "IA32_LSTAR",
  "IA32_CSTAR",
  "IA32_FMASK",
  "IA32_KERNEL_GS_BASE",
];
export const SWAPPED = new SwappedRegisters(SWAPPED_MSRS, [
  [controlOffset("CR2"), 8],
  [DR6, 8],
]);

/** Control registers with bits that are not the guest's own; their upper halves are zeros. */
const CONTROLS = (["CR0", "CR4"] as const).map((name) => ({
  at: controlOffset(name) / 4,
  value: fieldOf(`Guest ${name}`),
  shadow: fieldOf(`${name} read shadow`),
  owned: Number(OWNED[name]),
  fixed: Number(FIXED[name]),
}));

const ENTRIES = fieldOf("VM-entry controls");
const [ENTRY_32, ENTRY_64] = [ENTRY_CONTROLS, ENTRY_CONTROLS | ENTRY.ia32eModeGuest];
const INTERRUPTIBILITY = fieldOf("Guest interruptibility state");
const ACTIVITY = fieldOf("Guest activity state");
const PENDING_DEBUG = fieldOf("Guest pending debug exceptions");
const TSC_OFFSET = fieldOf("TSC offset");
export const BLOCKED = BLOCKING.sti | BLOCKING.movSs | BLOCKING.nmi;

/** To the fields of the VMCS; `host`: of the CPU whose counter the guest's is told from. */
export function writeFields(current: CurrentVmcs, registers: CpuState, host: CpuState): void {
  const { words } = registers;
  FIELDS.write(current.vmcs, words);
  for (const { at, value, shadow, owned, fixed } of CONTROLS) {
    const word = words[at] as number;
    current.setLow(shadow, word);
    current.setLow(value, (word & ~owned) | fixed);
  }
  current.setLow(ENTRIES, registers.has("EFER", BIT.EFER.LMA) ? ENTRY_64 : ENTRY_32);
  current.setLow(INTERRUPTIBILITY, registers.blocking & BLOCKED);
  current.setLow(ACTIVITY, 0);
  current.setLow(PENDING_DEBUG, 0);
  const offset = readSlot(registers, "TSC offset") - readSlot(host, "TSC offset");
  current.set(TSC_OFFSET, BigInt.asUintN(64, offset));
}

export function readFields(current: CurrentVmcs, registers: CpuState): void {
  const { words } = registers;
  FIELDS.read(current.vmcs, words);
  words[SYSENTER_CS_ABOVE] = 0;
  for (const { at, value, shadow, owned } of CONTROLS)
    words[at] = (current.low(value) & ~owned) | (current.low(shadow) & owned);
  registers.blocking = current.low(INTERRUPTIBILITY) & BLOCKED;
}
