/**
 * The fields of a VMCS: SDM Vol. 3, "Field Encoding in VMCS" (appendix), "Structure of VMCS Component Encoding". Names
 * are the manual's. Fields of controls that are not offered do not exist.
 */

import { assert } from "../../../sim/assert.ts";

const ROWS = [
  ["Virtual-processor identifier (VPID)", 0x0000],

  ["Guest ES selector", 0x0800],
  ["Guest CS selector", 0x0802],
  ["Guest SS selector", 0x0804],
  ["Guest DS selector", 0x0806],
  ["Guest FS selector", 0x0808],
  ["Guest GS selector", 0x080a],
  ["Guest LDTR selector", 0x080c],
  ["Guest TR selector", 0x080e],
  ["PML index", 0x0812],

  ["Host ES selector", 0x0c00],
  ["Host CS selector", 0x0c02],
  ["Host SS selector", 0x0c04],
  ["Host DS selector", 0x0c06],
  ["Host FS selector", 0x0c08],
  ["Host GS selector", 0x0c0a],
  ["Host TR selector", 0x0c0c],

  ["Address of I/O bitmap A", 0x2000],
  ["Address of I/O bitmap B", 0x2002],
  ["Address of MSR bitmaps", 0x2004],
  ["VM-exit MSR-store address", 0x2006],
  ["VM-exit MSR-load address", 0x2008],
  ["VM-entry MSR-load address", 0x200a],
  ["Executive-VMCS pointer", 0x200c],
  ["PML address", 0x200e],
  ["TSC offset", 0x2010],
  ["Virtual-APIC address", 0x2012],
  ["EPT pointer (EPTP)", 0x201a],
  ["TSC multiplier", 0x2032],

  ["Guest-physical address", 0x2400],

  ["VMCS link pointer", 0x2800],
  ["Guest IA32_DEBUGCTL", 0x2802],
  ["Guest IA32_PAT", 0x2804],
  ["Guest IA32_EFER", 0x2806],
  ["Guest PDPTE0", 0x280a],
  ["Guest PDPTE1", 0x280c],
  ["Guest PDPTE2", 0x280e],
  ["Guest PDPTE3", 0x2810],

  ["Host IA32_PAT", 0x2c00],
  ["Host IA32_EFER", 0x2c02],

  ["Pin-based VM-execution controls", 0x4000],
  ["Primary processor-based VM-execution controls", 0x4002],
  ["Exception bitmap", 0x4004],
  ["Page-fault error-code mask", 0x4006],
  ["Page-fault error-code match", 0x4008],
  ["CR3-target count", 0x400a],
  ["VM-exit controls", 0x400c],
  ["VM-exit MSR-store count", 0x400e],
  ["VM-exit MSR-load count", 0x4010],
  ["VM-entry controls", 0x4012],
  ["VM-entry MSR-load count", 0x4014],
  ["VM-entry interruption-information field", 0x4016],
  ["VM-entry exception error code", 0x4018],
  ["VM-entry instruction length", 0x401a],
  ["TPR threshold", 0x401c],
  ["Secondary processor-based VM-execution controls", 0x401e],
  ["PLE_Gap", 0x4020],
  ["PLE_Window", 0x4022],

  ["VM-instruction error", 0x4400],
  ["Exit reason", 0x4402],
  ["VM-exit interruption information", 0x4404],
  ["VM-exit interruption error code", 0x4406],
  ["IDT-vectoring information field", 0x4408],
  ["IDT-vectoring error code", 0x440a],
  ["VM-exit instruction length", 0x440c],
  ["VM-exit instruction information", 0x440e],

  ["Guest ES limit", 0x4800],
  ["Guest CS limit", 0x4802],
  ["Guest SS limit", 0x4804],
  ["Guest DS limit", 0x4806],
  ["Guest FS limit", 0x4808],
  ["Guest GS limit", 0x480a],
  ["Guest LDTR limit", 0x480c],
  ["Guest TR limit", 0x480e],
  ["Guest GDTR limit", 0x4810],
  ["Guest IDTR limit", 0x4812],
  ["Guest ES access rights", 0x4814],
  ["Guest CS access rights", 0x4816],
  ["Guest SS access rights", 0x4818],
  ["Guest DS access rights", 0x481a],
  ["Guest FS access rights", 0x481c],
  ["Guest GS access rights", 0x481e],
  ["Guest LDTR access rights", 0x4820],
  ["Guest TR access rights", 0x4822],
  ["Guest interruptibility state", 0x4824],
  ["Guest activity state", 0x4826],
  ["Guest SMBASE", 0x4828],
  ["Guest IA32_SYSENTER_CS", 0x482a],
  ["VMX-preemption timer value", 0x482e],

  ["Host IA32_SYSENTER_CS", 0x4c00],

  ["CR0 guest/host mask", 0x6000],
  ["CR4 guest/host mask", 0x6002],
  ["CR0 read shadow", 0x6004],
  ["CR4 read shadow", 0x6006],
  ["CR3-target value 0", 0x6008],
  ["CR3-target value 1", 0x600a],
  ["CR3-target value 2", 0x600c],
  ["CR3-target value 3", 0x600e],

  ["Exit qualification", 0x6400],
  ["I/O RCX", 0x6402],
  ["I/O RSI", 0x6404],
  ["I/O RDI", 0x6406],
  ["I/O RIP", 0x6408],
  ["Guest-linear address", 0x640a],

  ["Guest CR0", 0x6800],
  ["Guest CR3", 0x6802],
  ["Guest CR4", 0x6804],
  ["Guest ES base", 0x6806],
  ["Guest CS base", 0x6808],
  ["Guest SS base", 0x680a],
  ["Guest DS base", 0x680c],
  ["Guest FS base", 0x680e],
  ["Guest GS base", 0x6810],
  ["Guest LDTR base", 0x6812],
  ["Guest TR base", 0x6814],
  ["Guest GDTR base", 0x6816],
  ["Guest IDTR base", 0x6818],
  ["Guest DR7", 0x681a],
  ["Guest RSP", 0x681c],
  ["Guest RIP", 0x681e],
  ["Guest RFLAGS", 0x6820],
  ["Guest pending debug exceptions", 0x6822],
  ["Guest IA32_SYSENTER_ESP", 0x6824],
  ["Guest IA32_SYSENTER_EIP", 0x6826],

  ["Host CR0", 0x6c00],
  ["Host CR3", 0x6c02],
  ["Host CR4", 0x6c04],
  ["Host FS base", 0x6c06],
  ["Host GS base", 0x6c08],
  ["Host TR base", 0x6c0a],
  ["Host GDTR base", 0x6c0c],
  ["Host IDTR base", 0x6c0e],
  ["Host IA32_SYSENTER_ESP", 0x6c10],
  ["Host IA32_SYSENTER_EIP", 0x6c12],
  ["Host RSP", 0x6c14],
  ["Host RIP", 0x6c16],
] as const;

export type FieldName = (typeof ROWS)[number][0];
export type FieldType = "control" | "read-only data" | "guest state" | "host state";
export type FieldWidth = "16-bit" | "64-bit" | "32-bit" | "natural-width";

export interface Field {
  readonly name: FieldName;
  /** With the access type "full". */
  readonly encoding: number;
  readonly type: FieldType;
  readonly width: FieldWidth;
  /** Bytes from the start of the VMCS data. */
  readonly place: number;
}

const TYPES = ["control", "read-only data", "guest state", "host state"] as const;
const WIDTHS = ["16-bit", "64-bit", "32-bit", "natural-width"] as const;
// The VMCS data: its format is ours.

/** The launch state: 0 clear, 1 launched. */
export const LAUNCH_STATE = 0;
/** Six segments, LDTR and TR as in the CPU's block, so that entry and exit copy words. */
export const SEGMENTS = 32;
export const SEGMENT_BYTES = 32;
export const GUEST_SEGMENTS = ["ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"] as const;
const TABLES = SEGMENTS + SEGMENT_BYTES * GUEST_SEGMENTS.length;
/** All others have 8 bytes each. */
const OTHERS = TABLES + 32;
/** Bytes of the data. */
export const DATA_BYTES = 1536;

const SEGMENT_PARTS: Readonly<Record<string, number>> = {
  base: 0,
  limit: 8,
  "access rights": 12,
  selector: 16,
};

function fixedPlace(name: string): number | null {
  const [, segment = "", part = ""] = /^Guest (\w+) (.*)$/.exec(name) ?? [];
  const number = (GUEST_SEGMENTS as readonly string[]).indexOf(segment);
  const within = SEGMENT_PARTS[part];
  if (within === undefined) return null;
  if (number >= 0) return SEGMENTS + SEGMENT_BYTES * number + within;
  return TABLES + (segment === "IDTR" ? 16 : 0) + within;
}

const isFixed = ([name]: (typeof ROWS)[number]): boolean => fixedPlace(name) !== null;
const LISTED = ROWS.filter((row) => !isFixed(row));

export const FIELDS: readonly Field[] = ROWS.map((row) => {
  const [name, encoding] = row;
  return {
    name,
    encoding,
    type: TYPES[(encoding >> 10) & 3] as FieldType,
    width: WIDTHS[(encoding >> 13) & 3] as FieldWidth,
    place: fixedPlace(name) ?? OTHERS + 8 * LISTED.indexOf(row),
  };
});
assert(OTHERS + 8 * LISTED.length <= DATA_BYTES, "the fields fit into the data");

const BY_ENCODING = new Map(FIELDS.map((field) => [field.encoding, field]));
const BY_NAME = new Map(FIELDS.map((field) => [field.name, field]));

export const fieldOf = (name: FieldName): Field => BY_NAME.get(name) as Field;
export const placeOf = (name: FieldName): number => fieldOf(name).place;
/** The place as an index of words of 32 bits. */
export const wordOf = (name: FieldName): number => placeOf(name) >> 2;

/** Bit 0 of an encoding is the access type: the upper half of a 64-bit field. */
export function findField(encoding: bigint): { field: Field; high: boolean } | null {
  if (encoding > 0x7fffn) return null;
  const high = (encoding & 1n) !== 0n;
  const field = BY_ENCODING.get(Number(encoding & ~1n));
  if (field === undefined || (high && field.width !== "64-bit")) return null;
  return { field, high };
}

/** What IA32_VMX_VMCS_ENUM reports: the highest index of any encoding. */
export const HIGHEST_INDEX = FIELDS.reduce(
  (most, { encoding }) => Math.max(most, (encoding >> 1) & 0x1ff),
  0,
);
