/** What VMRUN finds wrong with a guest: APM Vol. 2, "Canonicalization and Consistency Checks". */

import { cr4Bits } from "../control-registers.ts";
import type { CpuProfile } from "../cpuid/profile.ts";
import type { Refusal } from "../environment.ts";
import { CR0, CR4, EFER, RIGHTS } from "../state.ts";
import type { MaskedWord } from "../word-code.ts";
import { ASIDS, EVENT, SEGMENT, VMCB } from "./vmcb.ts";

const MAP_BYTES = 0x2000;

/** One check: the field it is about and what makes it fail. */
interface Check {
  readonly check: string;
  readonly field: keyof typeof VMCB;
  readonly fails: (vmcb: Fields) => boolean;
}

/** The VMCB as checks see it. */
export class Fields {
  readonly profile: CpuProfile;
  readonly reservedCr4: number;
  readonly #view: DataView;
  readonly #limit: number;

  constructor(view: DataView, profile: CpuProfile) {
    this.#view = view;
    this.profile = profile;
    this.#limit = Number(1n << BigInt(profile.physicalBits));
    this.reservedCr4 = ~Number(cr4Bits(profile));
  }

  low(field: number): number {
    return this.#view.getUint32(field, true);
  }

  high(field: number): number {
    return this.#view.getUint32(field + 4, true);
  }

  wide(field: number): bigint {
    return this.#view.getBigUint64(field, true);
  }

  has(field: number, bits: number): boolean {
    return (this.low(field) & bits) !== 0;
  }

  /** Attributes of CS as access rights. */
  get codeRights(): number {
    const attributes = this.#view.getUint16(VMCB.cs + SEGMENT.attributes, true);
    return rightsOf(attributes);
  }

  /** A map from there does not end below the last physical address. */
  reachesBeyond(field: number): boolean {
    const page = (this.low(field) & ~0xfff) >>> 0;
    return this.high(field) * 2 ** 32 + page + MAP_BYTES >= this.#limit;
  }

  /** Bits of an address that no physical address has. */
  isBeyond(field: number): boolean {
    return this.high(field) >>> (this.profile.physicalBits - 32) !== 0;
  }
}

/** Access rights of a segment from the 12 bits of its attributes. */
export const rightsOf = (attributes: number): number =>
  (attributes & 0xff) | ((attributes & 0xf00) << 4);
export const attributesOf = (rights: number): number => (rights & 0xff) | ((rights >> 4) & 0xf00);

const EFER_BITS = Number(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE | EFER.SVME);
const BIT = {
  SVME: Number(EFER.SVME),
  LME: Number(EFER.LME),
  NW: Number(CR0.NW),
  CD: Number(CR0.CD),
  PE: Number(CR0.PE),
  PAE: Number(CR4.PAE),
} as const;
const isLong = (vmcb: Fields): boolean => vmcb.has(VMCB.efer, BIT.LME) && pages(vmcb);
const pages = (vmcb: Fields): boolean => (vmcb.low(VMCB.cr0) & 0x8000_0000) !== 0;

/** In the order of the manual's list. */
const CHECKS: readonly Check[] = [
  { check: "EFER.SVME is set", field: "efer", fails: (vmcb) => !vmcb.has(VMCB.efer, BIT.SVME) },
  {
    check: "CR0.NW is clear, or CR0.CD is set",
    field: "cr0",
    fails: (vmcb) => vmcb.has(VMCB.cr0, BIT.NW) && !vmcb.has(VMCB.cr0, BIT.CD),
  },
  {
    check: "CR0 bits 63 to 32 are clear",
    field: "cr0",
    fails: (vmcb) => vmcb.high(VMCB.cr0) !== 0,
  },
  {
    check: "CR3 has no bits beyond the physical address",
    field: "cr3",
    fails: (vmcb) => vmcb.isBeyond(VMCB.cr3),
  },
  {
    check: "CR4 has no reserved bits",
    field: "cr4",
    fails: (vmcb) => (vmcb.low(VMCB.cr4) & vmcb.reservedCr4) !== 0 || vmcb.high(VMCB.cr4) !== 0,
  },
  {
    check: "DR6 bits 63 to 32 are clear",
    field: "dr6",
    fails: (vmcb) => vmcb.high(VMCB.dr6) !== 0,
  },
  {
    check: "DR7 bits 63 to 32 are clear",
    field: "dr7",
    fails: (vmcb) => vmcb.high(VMCB.dr7) !== 0,
  },
  {
    check: "EFER has no reserved bits",
    field: "efer",
    fails: (vmcb) => (vmcb.low(VMCB.efer) & ~EFER_BITS) !== 0 || vmcb.high(VMCB.efer) !== 0,
  },
  {
    check: "long mode has PAE",
    field: "cr4",
    fails: (vmcb) => isLong(vmcb) && !vmcb.has(VMCB.cr4, BIT.PAE),
  },
  {
    check: "long mode is protected",
    field: "cr0",
    fails: (vmcb) => isLong(vmcb) && !vmcb.has(VMCB.cr0, BIT.PE),
  },
  {
    check: "CS is not both L and D",
    field: "cs",
    fails: (vmcb) =>
      isLong(vmcb) &&
      vmcb.has(VMCB.cr4, BIT.PAE) &&
      (vmcb.codeRights & RIGHTS.long) !== 0 &&
      (vmcb.codeRights & RIGHTS.big) !== 0,
  },
  {
    check: "VMRUN is intercepted",
    field: "intercept4",
    fails: (vmcb) => (vmcb.low(VMCB.intercept4) & 1) === 0,
  },
  {
    check: "the maps of MSRs and ports lie within physical addresses",
    field: "msrpmBasePa",
    fails: (vmcb) => vmcb.reachesBeyond(VMCB.msrpmBasePa),
  },
  {
    check: "the maps of MSRs and ports lie within physical addresses",
    field: "iopmBasePa",
    fails: (vmcb) => vmcb.reachesBeyond(VMCB.iopmBasePa),
  },
  {
    check: "the ASID exists, and is not the host's",
    field: "asid",
    fails: (vmcb) => vmcb.low(VMCB.asid) === 0 || vmcb.low(VMCB.asid) >= ASIDS,
  },
  { check: "the injected event can happen", field: "eventInj", fails: injectsNonsense },
  {
    check: "the nested CR3 is a physical address",
    field: "nCr3",
    fails: (vmcb) => hasNestedPaging(vmcb) && vmcb.isBeyond(VMCB.nCr3),
  },
  {
    check: "the guest's PAT has memory types only",
    field: "gPat",
    fails: (vmcb) => hasNestedPaging(vmcb) && !isPat(vmcb.low(VMCB.gPat), vmcb.high(VMCB.gPat)),
  },
];

/** What the checks look at, beside the profile: words of the VMCB, and which of their bits. */
export const LOOKED_AT: readonly MaskedWord[] = [
  ...(["intercept4", "asid", "npEnable", "eventInj", "cs"] as const).map(
    (field) => [VMCB[field], -1] as const,
  ),
  ...(["cr3", "dr6", "dr7", "nCr3"] as const).map((field) => [VMCB[field] + 4, -1] as const),
  ...(["efer", "cr0", "cr4", "iopmBasePa", "msrpmBasePa", "gPat"] as const).flatMap((field) => [
    [VMCB[field], -1] as const,
    [VMCB[field] + 4, -1] as const,
  ]),
];

export const hasNestedPaging = (vmcb: Fields): boolean => (vmcb.low(VMCB.npEnable) & 1) !== 0;

/** Each byte is 0, 1, 4, 5, 6 or 7. */
function isPat(low: number, high: number): boolean {
  const isHalf = (half: number): boolean =>
    (half & 0xf8f8_f8f8) === 0 && ((half >>> 1) & ~(half >>> 2) & 0x0101_0101) === 0;
  return isHalf(low) && isHalf(high);
}

/** A reserved type, or an exception that is none (APM Vol. 2, "Event Injection"). */
function injectsNonsense(vmcb: Fields): boolean {
  const event = vmcb.low(VMCB.eventInj);
  if ((event & EVENT.valid) === 0) return false;
  const type = event & EVENT.type;
  const vector = event & 0xff;
  if (type === EVENT.exception) return vector === 2 || vector > 31;
  return type !== EVENT.interrupt && type !== EVENT.nmi && type !== EVENT.softwareInterrupt;
}

/** The first check that fails, or null. */
export function refusalOf(vmcb: Fields): Refusal | null {
  const failed = CHECKS.find(({ fails }) => fails(vmcb));
  if (failed === undefined) return null;
  const { check, field } = failed;
  return {
    outcome: "VMEXIT_INVALID",
    check,
    field: `VMCB.${field}`,
    value: vmcb.wide(VMCB[field]),
    section: 'APM Vol. 2, "Canonicalization and Consistency Checks"',
  };
}
