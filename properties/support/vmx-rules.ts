/**
 * What becomes of a VM entry, by the manual alone: SDM Vol. 3, "VM Entries". Written down sentence by sentence over whole
 * values, without a look at how the CPU does it; a model for control blocks that a law draws.
 */

import type { FieldName } from "../../src/hw/cpu/vmx/fields.ts";

export type Outcome =
  | { readonly is: "enters" }
  | { readonly is: "VMfail"; readonly error: 7 | 8; readonly why: string }
  | { readonly is: "exit"; readonly qualification: number; readonly why: string };

/** The control block, and memory that a check looks at. */
export interface Block {
  readonly field: (name: FieldName) => bigint;
  readonly byte: (address: bigint) => bigint;
  readonly current: bigint;
  readonly revision: bigint;
}

type Sentence = readonly [why: string, holds: (block: Block) => boolean, qualification?: number];

const WIDTH = 40n;
const ALL_ONES = 2n ** 64n - 1n;

const bit = (value: bigint, number: number): boolean => ((value >> BigInt(number)) & 1n) === 1n;
const bits = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
const canonical = (value: bigint): boolean =>
  bits(value, 63, 47) === 0n || bits(value, 63, 47) === 0x1_ffffn;
const within = (value: bigint): boolean => value >> WIDTH === 0n;
const page = (value: bigint): boolean => bits(value, 11, 0) === 0n && within(value);

const pin = ({ field }: Block): bigint => field("Pin-based VM-execution controls");
const primary = ({ field }: Block): bigint =>
  field("Primary processor-based VM-execution controls");
const secondary = (block: Block): bigint =>
  bit(primary(block), 31) ? block.field("Secondary processor-based VM-execution controls") : 0n;
const exits = ({ field }: Block): bigint => field("VM-exit controls");
const entries = ({ field }: Block): bigint => field("VM-entry controls");
const hasEpt = (block: Block): boolean => bit(secondary(block), 1);
const unrestricted = (block: Block): boolean => bit(secondary(block), 7);
const long = (block: Block): boolean => bit(entries(block), 9);
const hostLong = (block: Block): boolean => bit(exits(block), 9);

/** Bits that may be 1, and those that must be, as the TRUE capability MSRs of the intel profile say. */
const allows = (value: bigint, must: bigint, may: bigint): boolean =>
  (value & must) === must && (value & ~may) === 0n;

/** Memory type 0 or 6, four levels, no reserved bit. */
function isEptPointer(eptp: bigint): boolean {
  const type = bits(eptp, 2, 0);
  return (
    (type === 0n || type === 6n) &&
    bits(eptp, 5, 3) === 3n &&
    bits(eptp, 11, 7) === 0n &&
    within(eptp)
  );
}

function isArea({ field }: Block, address: FieldName, count: FieldName): boolean {
  const [at, entriesOf] = [field(address), field(count)];
  if (entriesOf === 0n) return true;
  return bits(at, 3, 0) === 0n && within(at) && within(at + 16n * entriesOf - 1n);
}

const information = ({ field }: Block): bigint => field("VM-entry interruption-information field");
const injects = (block: Block): boolean => bit(information(block), 31);
const eventType = (block: Block): bigint => bits(information(block), 10, 8);
const vector = (block: Block): bigint => bits(information(block), 7, 0);

const PUSHES_CODE = [8n, 10n, 11n, 12n, 13n, 14n, 17n];

const CONTROL_SENTENCES: readonly Sentence[] = [
  ["pin-based", (b) => allows(pin(b), 0x16n, 0x7fn)],
  ["primary", (b) => allows(primary(b), 0x0400_6172n, 0xfff9_fffen)],
  ["secondary", (b) => allows(secondary(b), 0n, 0x243_1ceen)],
  ["CR3 targets", (b) => b.field("CR3-target count") <= 4n],
  [
    "I/O bitmaps",
    (b) =>
      !bit(primary(b), 25) ||
      (page(b.field("Address of I/O bitmap A")) && page(b.field("Address of I/O bitmap B"))),
  ],
  ["MSR bitmaps", (b) => !bit(primary(b), 28) || page(b.field("Address of MSR bitmaps"))],
  ["virtual APIC", (b) => !bit(primary(b), 21) || page(b.field("Virtual-APIC address"))],
  ["TPR threshold", (b) => !bit(primary(b), 21) || b.field("TPR threshold") < 16n],
  [
    "TPR threshold against VTPR",
    (b) =>
      !bit(primary(b), 21) ||
      bits(b.field("TPR threshold"), 3, 0) <=
        bits(b.byte(b.field("Virtual-APIC address") + 0x80n), 7, 4),
  ],
  ["virtual NMIs", (b) => bit(pin(b), 3) || !bit(pin(b), 5)],
  ["NMI window", (b) => bit(pin(b), 5) || !bit(primary(b), 22)],
  ["VPID", (b) => !bit(secondary(b), 5) || b.field("Virtual-processor identifier (VPID)") !== 0n],
  ["EPTP", (b) => !hasEpt(b) || isEptPointer(b.field("EPT pointer (EPTP)"))],
  ["PML", (b) => !bit(secondary(b), 17) || (hasEpt(b) && page(b.field("PML address")))],
  ["unrestricted", (b) => !unrestricted(b) || hasEpt(b)],
  ["mode-based execute control", (b) => !bit(secondary(b), 22) || hasEpt(b)],
  ["TSC multiplier", (b) => !bit(secondary(b), 25) || b.field("TSC multiplier") !== 0n],
  ["exit controls", (b) => allows(exits(b), 0x3_6dfbn, 0x7f_efffn)],
  ["save timer", (b) => bit(pin(b), 6) || !bit(exits(b), 22)],
  ["store area", (b) => isArea(b, "VM-exit MSR-store address", "VM-exit MSR-store count")],
  ["exit load area", (b) => isArea(b, "VM-exit MSR-load address", "VM-exit MSR-load count")],
  ["entry controls", (b) => allows(entries(b), 0x11fbn, 0xd3ffn)],
  ["type", (b) => !injects(b) || eventType(b) !== 1n],
  [
    "vector",
    (b) => {
      if (!injects(b)) return true;
      if (eventType(b) === 2n) return vector(b) === 2n;
      if (eventType(b) === 3n) return vector(b) < 32n;
      return eventType(b) !== 7n || vector(b) === 0n;
    },
  ],
  [
    "error code",
    (b) => {
      if (!injects(b)) return true;
      const protectedMode = !unrestricted(b) || bit(b.field("Guest CR0"), 0);
      const delivers = eventType(b) === 3n && protectedMode && PUSHES_CODE.includes(vector(b));
      return bit(information(b), 11) === delivers;
    },
  ],
  ["information", (b) => !injects(b) || bits(information(b), 30, 12) === 0n],
  [
    "code",
    (b) =>
      !injects(b) ||
      !bit(information(b), 11) ||
      bits(b.field("VM-entry exception error code"), 31, 16) === 0n,
  ],
  [
    "length",
    (b) =>
      !injects(b) ||
      ![4n, 5n, 6n].includes(eventType(b)) ||
      b.field("VM-entry instruction length") <= 15n,
  ],
  ["entry load area", (b) => isArea(b, "VM-entry MSR-load address", "VM-entry MSR-load count")],
];

/** Bits of CR4 that the intel profile has. */
const CR4_MAY = 0x37_2ffcn;
const isCr4 = (value: bigint): boolean => bit(value, 13) && (value & ~CR4_MAY) === 0n;

const isPat = (value: bigint): boolean =>
  [0, 1, 2, 3, 4, 5, 6, 7].every((i) =>
    [0n, 1n, 4n, 5n, 6n, 7n].includes(bits(value, 8 * i + 7, 8 * i)),
  );
const EFER_MAY = 0xd01n;

const HOST_SENTENCES: readonly Sentence[] = [
  [
    "CR0",
    (b) => {
      const value = b.field("Host CR0");
      return bit(value, 0) && bit(value, 5) && bit(value, 31) && bits(value, 63, 32) === 0n;
    },
  ],
  ["CR4", (b) => isCr4(b.field("Host CR4"))],
  ["CR3", (b) => within(b.field("Host CR3"))],
  ["SYSENTER_ESP", (b) => canonical(b.field("Host IA32_SYSENTER_ESP"))],
  ["SYSENTER_EIP", (b) => canonical(b.field("Host IA32_SYSENTER_EIP"))],
  ["PAT", (b) => !bit(exits(b), 19) || isPat(b.field("Host IA32_PAT"))],
  [
    "EFER",
    (b) => {
      if (!bit(exits(b), 21)) return true;
      const value = b.field("Host IA32_EFER");
      const agrees = bit(value, 8) === hostLong(b) && bit(value, 10) === hostLong(b);
      return (value & ~EFER_MAY) === 0n && agrees;
    },
  ],
  ...(["CS", "SS", "DS", "ES", "FS", "GS", "TR"] as const).map(
    (name): Sentence => [name, (b) => bits(b.field(`Host ${name} selector`), 2, 0) === 0n],
  ),
  ["CS null", (b) => b.field("Host CS selector") !== 0n],
  ["TR null", (b) => b.field("Host TR selector") !== 0n],
  ["SS null", (b) => hostLong(b) || b.field("Host SS selector") !== 0n],
  ...(["FS", "GS", "GDTR", "IDTR", "TR"] as const).map(
    (name): Sentence => [`${name} base`, (b) => canonical(b.field(`Host ${name} base`))],
  ),
  // The host is in IA-32e mode.
  ["address space", hostLong],
  ["PAE", (b) => !hostLong(b) || bit(b.field("Host CR4"), 5)],
  ["RIP", (b) => !hostLong(b) || canonical(b.field("Host RIP"))],
];

const cr0 = ({ field }: Block): bigint => field("Guest CR0");
const flags = ({ field }: Block): bigint => field("Guest RFLAGS");
const v86 = (block: Block): boolean => bit(flags(block), 17);

const GUEST_SENTENCES: readonly Sentence[] = [
  [
    "CR0",
    (b) => {
      const value = cr0(b);
      if (bits(value, 63, 32) !== 0n || !bit(value, 5)) return false;
      if (unrestricted(b)) return bit(value, 0) || !bit(value, 31);
      return bit(value, 0) && bit(value, 31);
    },
  ],
  ["CR4", (b) => isCr4(b.field("Guest CR4"))],
  ["DEBUGCTL", (b) => !bit(entries(b), 2) || (b.field("Guest IA32_DEBUGCTL") & ~3n) === 0n],
  [
    "PG and PAE in IA-32e mode",
    (b) => !long(b) || (bit(cr0(b), 31) && bit(b.field("Guest CR4"), 5)),
  ],
  ["PCIDE", (b) => long(b) || !bit(b.field("Guest CR4"), 17)],
  ["CR3", (b) => within(b.field("Guest CR3"))],
  ["DR7", (b) => !bit(entries(b), 2) || bits(b.field("Guest DR7"), 63, 32) === 0n],
  ["SYSENTER_ESP", (b) => canonical(b.field("Guest IA32_SYSENTER_ESP"))],
  ["SYSENTER_EIP", (b) => canonical(b.field("Guest IA32_SYSENTER_EIP"))],
  ["PAT", (b) => !bit(entries(b), 14) || isPat(b.field("Guest IA32_PAT"))],
  [
    "EFER",
    (b) => {
      if (!bit(entries(b), 15)) return true;
      const value = b.field("Guest IA32_EFER");
      if ((value & ~EFER_MAY) !== 0n || bit(value, 10) !== long(b)) return false;
      return !bit(cr0(b), 31) || bit(value, 8) === bit(value, 10);
    },
  ],
];

type Segment = "CS" | "SS" | "DS" | "ES" | "FS" | "GS" | "TR" | "LDTR";
const SIX = ["CS", "SS", "DS", "ES", "FS", "GS"] as const;
const part = (
  b: Block,
  name: Segment,
  what: "selector" | "base" | "limit" | "access rights",
): bigint => b.field(`Guest ${name} ${what}`);
const rights = (b: Block, name: Segment): bigint => part(b, name, "access rights");
const usable = (b: Block, name: Segment): boolean => !bit(rights(b, name), 16);
const dpl = (b: Block, name: Segment): bigint => bits(rights(b, name), 6, 5);
const rpl = (b: Block, name: Segment): bigint => bits(part(b, name, "selector"), 1, 0);
const type = (b: Block, name: Segment): bigint => bits(rights(b, name), 3, 0);

/** Bits 11 to 8 and 31 to 17 are 0, P is 1, and G goes with the limit. */
function isShaped(b: Block, name: Segment): boolean {
  const value = rights(b, name);
  const limit = part(b, name, "limit");
  if (bits(value, 11, 8) !== 0n || bits(value, 31, 17) !== 0n || !bit(value, 7)) return false;
  if (bits(limit, 11, 0) !== 0xfffn && bit(value, 15)) return false;
  return bits(limit, 31, 20) === 0n || bit(value, 15);
}

function isSixOf(b: Block, name: (typeof SIX)[number]): boolean {
  if (v86(b))
    return (
      part(b, name, "base") === part(b, name, "selector") << 4n &&
      part(b, name, "limit") === 0xffffn &&
      rights(b, name) === 0xf3n
    );
  if (name !== "CS" && !usable(b, name)) return true;
  return bit(rights(b, name), 4) && isShaped(b, name);
}

function isCode(b: Block): boolean {
  if (v86(b)) return true;
  const [mine, stack] = [dpl(b, "CS"), dpl(b, "SS")];
  if (long(b) && bit(rights(b, "CS"), 13) && bit(rights(b, "CS"), 14)) return false;
  switch (type(b, "CS")) {
    case 3n:
      return unrestricted(b) && mine === 0n;
    case 9n:
    case 11n:
      return mine === stack;
    case 13n:
    case 15n:
      return mine <= stack;
    default:
      return false;
  }
}

function isStack(b: Block): boolean {
  if (v86(b)) return true;
  if (usable(b, "SS") && type(b, "SS") !== 3n && type(b, "SS") !== 7n) return false;
  if (!unrestricted(b) && (dpl(b, "SS") !== rpl(b, "SS") || rpl(b, "SS") !== rpl(b, "CS")))
    return false;
  return dpl(b, "SS") === 0n || (type(b, "CS") !== 3n && bit(cr0(b), 0));
}

function isData(b: Block, name: "DS" | "ES" | "FS" | "GS"): boolean {
  if (v86(b) || !usable(b, name)) return true;
  const its = type(b, name);
  if (!bit(its, 0) || (bit(its, 3) && !bit(its, 1))) return false;
  return unrestricted(b) || its > 11n || dpl(b, name) >= rpl(b, name);
}

const SEGMENT_SENTENCES: readonly Sentence[] = [
  ["TR selector", (b) => !bit(part(b, "TR", "selector"), 2)],
  ["LDTR selector", (b) => !usable(b, "LDTR") || !bit(part(b, "LDTR", "selector"), 2)],
  ...(["TR", "FS", "GS"] as const).map(
    (name): Sentence => [`${name} base`, (b) => canonical(part(b, name, "base"))],
  ),
  ["LDTR base", (b) => !usable(b, "LDTR") || canonical(part(b, "LDTR", "base"))],
  ["CS base", (b) => bits(part(b, "CS", "base"), 63, 32) === 0n],
  ...(["SS", "DS", "ES"] as const).map(
    (name): Sentence => [
      `${name} base`,
      (b) => !usable(b, name) || bits(part(b, name, "base"), 63, 32) === 0n,
    ],
  ),
  ...SIX.map((name): Sentence => [name, (b) => isSixOf(b, name)]),
  ["CS", isCode],
  ["SS", isStack],
  ...(["DS", "ES", "FS", "GS"] as const).map((name): Sentence => [name, (b) => isData(b, name)]),
  [
    "TR",
    (b) =>
      (type(b, "TR") === 11n || (!long(b) && type(b, "TR") === 3n)) &&
      !bit(rights(b, "TR"), 4) &&
      usable(b, "TR") &&
      isShaped(b, "TR"),
  ],
  [
    "LDTR",
    (b) =>
      !usable(b, "LDTR") ||
      (type(b, "LDTR") === 2n && !bit(rights(b, "LDTR"), 4) && isShaped(b, "LDTR")),
  ],
  ...(["GDTR", "IDTR"] as const).map(
    (name): Sentence => [
      name,
      (b) =>
        canonical(b.field(`Guest ${name} base`)) &&
        bits(b.field(`Guest ${name} limit`), 31, 16) === 0n,
    ],
  ),
];

const interruptibility = ({ field }: Block): bigint => field("Guest interruptibility state");
const activity = ({ field }: Block): bigint => field("Guest activity state");
const pending = ({ field }: Block): bigint => field("Guest pending debug exceptions");
const shadowed = (b: Block): boolean => bits(interruptibility(b), 1, 0) !== 0n;

/** Which events wake the state of activity. */
function wakes(b: Block): boolean {
  if (!injects(b)) return true;
  const [kind, number] = [eventType(b), vector(b)];
  if (activity(b) === 1n)
    return [0n, 2n, 7n].includes(kind) || (kind === 3n && (number === 1n || number === 18n));
  if (activity(b) === 2n) return kind === 2n || (kind === 3n && number === 18n);
  return activity(b) !== 3n;
}

const OTHER_SENTENCES: readonly Sentence[] = [
  [
    "RIP",
    (b) => {
      const rip = b.field("Guest RIP");
      if (!long(b) || !bit(rights(b, "CS"), 13)) return bits(rip, 63, 32) === 0n;
      return bits(rip, 63, 48) === 0n || bits(rip, 63, 48) === 0xffffn;
    },
  ],
  ["RFLAGS", (b) => bit(flags(b), 1) && (flags(b) & ~0x3f_7fd7n) === 0n],
  ["VM", (b) => !v86(b) || (!long(b) && bit(cr0(b), 0))],
  ["IF", (b) => !injects(b) || eventType(b) !== 0n || bit(flags(b), 9)],
  ["activity", (b) => activity(b) <= 3n],
  ["HLT", (b) => activity(b) !== 1n || dpl(b, "SS") === 0n],
  ["active", (b) => !shadowed(b) || activity(b) === 0n],
  ["wakes", wakes],
  ["interruptibility", (b) => bits(interruptibility(b), 31, 5) === 0n],
  ["both", (b) => bits(interruptibility(b), 1, 0) !== 3n],
  ["STI", (b) => !bit(interruptibility(b), 0) || bit(flags(b), 9)],
  ["interrupt", (b) => !injects(b) || eventType(b) !== 0n || !shadowed(b)],
  ["NMI", (b) => !injects(b) || eventType(b) !== 2n || !shadowed(b), 3],
  ["SMI and enclave", (b) => !bit(interruptibility(b), 2) && !bit(interruptibility(b), 4)],
  [
    "virtual NMI",
    (b) => !bit(pin(b), 5) || !injects(b) || eventType(b) !== 2n || !bit(interruptibility(b), 3),
  ],
  ["pending", (b) => (pending(b) & ~0x500fn) === 0n],
  [
    "BS",
    (b) => {
      if (!shadowed(b) && activity(b) !== 1n) return true;
      return bit(pending(b), 14) === bit(flags(b), 8);
    },
  ],
  [
    "link",
    (b) => {
      const link = b.field("VMCS link pointer");
      if (link === ALL_ONES) return true;
      if (!page(link) || link === b.current) return false;
      const word = [0n, 1n, 2n, 3n].reduce((sum, i) => sum | (b.byte(link + i) << (8n * i)), 0n);
      return word === b.revision;
    },
    4,
  ],
  [
    "PDPTEs",
    (b) => {
      const uses = bit(cr0(b), 31) && bit(b.field("Guest CR4"), 5) && !long(b);
      if (!uses) return true;
      return ([0, 1, 2, 3] as const).every((i) => {
        const entry = b.field(`Guest PDPTE${i}`);
        const isReserved = bits(entry, 2, 1) !== 0n || bits(entry, 8, 5) !== 0n || !within(entry);
        return !bit(entry, 0) || !isReserved;
      });
    },
    2,
  ],
];

const broken = (sentences: readonly Sentence[], block: Block): Sentence | undefined =>
  sentences.find(([, holds]) => !holds(block));

export function outcomeOf(block: Block): Outcome {
  const control = broken(CONTROL_SENTENCES, block);
  if (control !== undefined) return { is: "VMfail", error: 7, why: control[0] };
  const host = broken(HOST_SENTENCES, block);
  if (host !== undefined) return { is: "VMfail", error: 8, why: host[0] };
  const guest = [GUEST_SENTENCES, SEGMENT_SENTENCES, OTHER_SENTENCES]
    .map((sentences) => broken(sentences, block))
    .find((sentence) => sentence !== undefined);
  if (guest === undefined) return { is: "enters" };
  return { is: "exit", qualification: guest[2] ?? 0, why: guest[0] };
}
