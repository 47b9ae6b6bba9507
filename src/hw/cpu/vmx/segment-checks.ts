/** Checks of VM entry on segment registers: SDM Vol. 3, "Checks on Guest Segment Registers". */

import { RFLAGS, CR0 } from "../state.ts";
import { type Check, type Entering, isCanonicalWord, section } from "./check.ts";
import { type FieldName, wordOf } from "./fields.ts";
import { guestCr0, isLongGuest, isUnrestricted } from "./guest-checks.ts";

const FLAGS = wordOf("Guest RFLAGS");
const VM = Number(RFLAGS.VM);
const PE = Number(CR0.PE);

const CODE_OR_DATA = 0x10;
const PRESENT = 0x80;
const RESERVED_LOW = 0xf00;
const LONG = 0x2000;
const BIG = 0x4000;
const GRANULARITY = 0x8000;
const UNUSABLE = 0x1_0000;
const RESERVED_HIGH = 0xfffe_0000 | 0;
const V86_RIGHTS = 0xf3;
const RPL = 3;
const TABLE = 4;

type Name = "ES" | "CS" | "SS" | "DS" | "FS" | "GS" | "LDTR" | "TR";
type Holds = (entering: Entering) => boolean;
type Row = readonly [string, FieldName, Holds];

/** Where the parts of a segment lie in the VMCS data, in words. */
const at = (name: Name): { selector: number; base: number; limit: number; rights: number } => ({
  selector: wordOf(`Guest ${name} selector`),
  base: wordOf(`Guest ${name} base`),
  limit: wordOf(`Guest ${name} limit`),
  rights: wordOf(`Guest ${name} access rights`),
});

const [CS, SS, LDTR, TR] = [at("CS"), at("SS"), at("LDTR"), at("TR")];

const isVirtual8086 = ({ words }: Entering): boolean => ((words[FLAGS] as number) & VM) !== 0;
const dpl = (rights: number): number => (rights >> 5) & 3;
const isUsable = (rights: number): boolean => (rights & UNUSABLE) === 0;

const SELECTORS: readonly Row[] = [
  [
    "TI of TR is 0",
    "Guest TR selector",
    ({ words }) => ((words[TR.selector] as number) & TABLE) === 0,
  ],
  [
    "TI of a usable LDTR is 0",
    "Guest LDTR selector",
    ({ words }) =>
      !isUsable(words[LDTR.rights] as number) || ((words[LDTR.selector] as number) & TABLE) === 0,
  ],
  [
    "the RPLs of SS and CS agree",
    "Guest SS selector",
    (entering) =>
      isVirtual8086(entering) ||
      isUnrestricted(entering) ||
      (((entering.words[SS.selector] as number) ^ (entering.words[CS.selector] as number)) &
        RPL) ===
        0,
  ],
];

const SIX = ["CS", "SS", "DS", "ES", "FS", "GS"] as const;

const V86_BASES: readonly Row[] = SIX.map((name) => {
  const { selector, base } = at(name);
  return [
    `the base of ${name} in virtual-8086 mode`,
    `Guest ${name} base`,
    (entering) =>
      !isVirtual8086(entering) ||
      (entering.words[base] === (entering.words[selector] as number) << 4 &&
        entering.words[base + 1] === 0),
  ];
});

const BASES: readonly Row[] = [
  ...(["TR", "FS", "GS"] as const).map((name): Row => {
    const { base } = at(name);
    return [
      `the base of ${name} is canonical`,
      `Guest ${name} base`,
      ({ words }) => isCanonicalWord(words, base),
    ];
  }),
  [
    "the base of a usable LDTR is canonical",
    "Guest LDTR base",
    ({ words }) => !isUsable(words[LDTR.rights] as number) || isCanonicalWord(words, LDTR.base),
  ],
  ["the base of CS has 32 bits", "Guest CS base", ({ words }) => words[CS.base + 1] === 0],
  ...(["SS", "DS", "ES"] as const).map((name): Row => {
    const { base, rights } = at(name);
    return [
      `the base of a usable ${name} has 32 bits`,
      `Guest ${name} base`,
      ({ words }) => !isUsable(words[rights] as number) || words[base + 1] === 0,
    ];
  }),
];

const V86_LIMITS: readonly Row[] = SIX.map((name) => {
  const { limit } = at(name);
  return [
    `the limit of ${name} in virtual-8086 mode`,
    `Guest ${name} limit`,
    (entering) => !isVirtual8086(entering) || entering.words[limit] === 0xffff,
  ];
});

const V86_RIGHTS_ROWS: readonly Row[] = SIX.map((name) => {
  const { rights } = at(name);
  return [
    `the access rights of ${name} in virtual-8086 mode`,
    `Guest ${name} access rights`,
    (entering) => !isVirtual8086(entering) || entering.words[rights] === V86_RIGHTS,
  ];
});

/** Sums up rows on access rights that count outside virtual-8086 mode, where a segment is usable; CS always is. */
const rightsRow = (
  name: Name,
  what: string,
  holds: (rights: number, entering: Entering) => boolean,
): Row => {
  const place = at(name).rights;
  return [
    `${what} of ${name}`,
    `Guest ${name} access rights`,
    (entering) => {
      const rights = entering.words[place] as number;
      if (name !== "TR" && name !== "LDTR" && isVirtual8086(entering)) return true;
      if (name !== "CS" && name !== "TR" && !isUsable(rights)) return true;
      return holds(rights, entering);
    },
  ];
};

const isCodeType = (rights: number, entering: Entering): boolean => {
  const type = rights & 15;
  return (type & 9) === 9 || (type === 3 && isUnrestricted(entering));
};

/** Accessed, and code is readable. */
const isDataType = (rights: number): boolean => {
  const type = rights & 15;
  return (type & 1) !== 0 && ((type & 8) === 0 || (type & 2) !== 0);
};

const isStackType = (rights: number): boolean => (rights & 15) === 3 || (rights & 15) === 7;

const isCodeLevel = (rights: number, { words }: Entering): boolean => {
  const stack = dpl(words[SS.rights] as number);
  switch (rights & 15) {
    case 3:
      return dpl(rights) === 0;
    case 9:
    case 11:
      return dpl(rights) === stack;
    default:
      return dpl(rights) <= stack;
  }
};

/** DPL and RPL of SS agree; it is 0 without protection. */
const STACK_LEVEL: Row = [
  "the DPL of SS",
  "Guest SS access rights",
  (entering) => {
    if (isVirtual8086(entering)) return true;
    const { words } = entering;
    const level = dpl(words[SS.rights] as number);
    const isFlat = ((words[CS.rights] as number) & 15) === 3 || (guestCr0(entering) & PE) === 0;
    if (isFlat && level !== 0) return false;
    return isUnrestricted(entering) || level === ((words[SS.selector] as number) & RPL);
  },
];

const isDataLevel =
  (name: Name) =>
  (rights: number, entering: Entering): boolean =>
    isUnrestricted(entering) ||
    (rights & 15) > 11 ||
    dpl(rights) >= ((entering.words[at(name).selector] as number) & RPL);

/** G is what the limit needs: 0 where its low 12 bits are not all ones, 1 where it has high ones. */
const isGranular =
  (name: Name) =>
  (rights: number, { words }: Entering): boolean => {
    const limit = words[LIMITS[name]] as number;
    const isGrained = (rights & GRANULARITY) !== 0;
    if ((limit & 0xfff) !== 0xfff && isGrained) return false;
    return limit >>> 20 === 0 || isGrained;
  };
const LIMITS: Readonly<Record<Name, number>> = {
  ES: at("ES").limit,
  CS: CS.limit,
  SS: SS.limit,
  DS: at("DS").limit,
  FS: at("FS").limit,
  GS: at("GS").limit,
  LDTR: LDTR.limit,
  TR: TR.limit,
};

const hasNoReserved = (rights: number): boolean => (rights & (RESERVED_LOW | RESERVED_HIGH)) === 0;

const RIGHTS_ROWS: readonly Row[] = [
  rightsRow("CS", "the type", isCodeType),
  rightsRow("SS", "the type", isStackType),
  ...(["DS", "ES", "FS", "GS"] as const).map((name) => rightsRow(name, "the type", isDataType)),
  ...SIX.map((name) => rightsRow(name, "S", (rights) => (rights & CODE_OR_DATA) !== 0)),
  rightsRow("CS", "the DPL", isCodeLevel),
  STACK_LEVEL,
  ...(["DS", "ES", "FS", "GS"] as const).map((name) =>
    rightsRow(name, "the DPL", isDataLevel(name)),
  ),
  ...SIX.map((name) => rightsRow(name, "P", (rights) => (rights & PRESENT) !== 0)),
  ...SIX.map((name) => rightsRow(name, "reserved bits", hasNoReserved)),
  rightsRow(
    "CS",
    "D/B",
    (rights, entering) => !isLongGuest(entering) || (rights & LONG) === 0 || (rights & BIG) === 0,
  ),
  ...SIX.map((name) => rightsRow(name, "G", isGranular(name))),
  rightsRow("TR", "the type", (rights, entering) => {
    const type = rights & 15;
    return type === 11 || (type === 3 && !isLongGuest(entering));
  }),
  rightsRow("TR", "S", (rights) => (rights & CODE_OR_DATA) === 0),
  rightsRow("TR", "P", (rights) => (rights & PRESENT) !== 0),
  rightsRow("TR", "reserved bits", hasNoReserved),
  rightsRow("TR", "G", isGranular("TR")),
  rightsRow("TR", "the unusable bit", isUsable),
  rightsRow("LDTR", "the type", (rights) => (rights & 15) === 2),
  rightsRow("LDTR", "S", (rights) => (rights & CODE_OR_DATA) === 0),
  rightsRow("LDTR", "P", (rights) => (rights & PRESENT) !== 0),
  rightsRow("LDTR", "reserved bits", hasNoReserved),
  rightsRow("LDTR", "G", isGranular("LDTR")),
];

export const SEGMENT_CHECKS: readonly Check[] = section("Checks on Guest Segment Registers", [
  ...SELECTORS,
  ...V86_BASES,
  ...BASES,
  ...V86_LIMITS,
  ...V86_RIGHTS_ROWS,
  ...RIGHTS_ROWS,
]);
