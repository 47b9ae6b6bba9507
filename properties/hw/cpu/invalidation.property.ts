/** Laws of what instructions invalidate in the TLBs: no less than the manual says, and of what they must keep no more. */

import fc from "fast-check";
import { makeProfile } from "../../../src/hw/cpu/cpuid/profile.ts";
import { BIT, CR4 } from "../../../src/hw/cpu/state.ts";
import { law } from "../../support/law.ts";
import { type EngineName, ENGINES, SystemMachine } from "../../support/privileged-machines.ts";

const PROFILE = makeProfile({ base: "intel" });
const PCIDS = [0, 1, 2] as const;
const [OLD_FRAME, NEW_FRAME] = [8, 9];
const LAST_TABLE = 3;
const CONTROLS = CR4.PAE | CR4.PGE | CR4.OSFXSR;

/** Two pages of each PCID, and one that is global: page numbers of linear addresses. */
const first = (pcid: number): number => 0x10 + pcid;
const second = (pcid: number): number => 0x14 + pcid;
const GLOBAL_PAGE = 0x18;
const PAGES = [...PCIDS.map(first), ...PCIDS.map(second), GLOBAL_PAGE];
const linear = (page: number): bigint => BigInt(page) << 12n;

interface Operation {
  readonly name: string;
  readonly code: readonly number[];
  readonly gpr: Readonly<Record<number, bigint>>;
  readonly data?: readonly bigint[];
  /** Of the pages, those that the manual lets go. */
  readonly drops: (page: number) => boolean;
  /** The manual leaves open whether others go. */
  readonly atLeast?: boolean;
}

const MOV_CR3 = [0x0f, 0x22, 0xd8];
const MOV_CR4 = [0x0f, 0x22, 0xe0];
const INVLPG = [0x0f, 0x01, 0x38];
const INVPCID = [0x66, 0x0f, 0x38, 0x82, 0x03];
const BIT_63 = 1n << 63n;
const DATA = 0x5000n;

const isOf = (pcid: number) => (page: number) => page === first(pcid) || page === second(pcid);

/** With the PCID `now` loaded and another one named. */
function operations(now: number, other: number): readonly Operation[] {
  const invpcid = (type: bigint, pcid: number, page: number) => ({
    code: INVPCID,
    gpr: { 0: type, 3: DATA },
    data: [BigInt(pcid), linear(page)],
  });
  const cr3 = (value: bigint) => ({ code: MOV_CR3, gpr: { 0: value } });
  const cr4 = (value: bigint) => ({ code: MOV_CR4, gpr: { 0: value }, atLeast: true });
  const all = CONTROLS | CR4.PCIDE;
  return [
    { name: "CR3", ...cr3(BigInt(other)), drops: isOf(other) },
    { name: "CR3 with bit 63", ...cr3(BigInt(other) | BIT_63), drops: () => false },
    { name: "CR4.PGE", ...cr4(all & ~CR4.PGE), drops: () => true },
    { name: "CR4.PCIDE", ...cr4(all & ~CR4.PCIDE), drops: () => true },
    { name: "CR4.SMEP", ...cr4(all | CR4.SMEP), drops: isOf(now) },
    {
      name: "INVLPG",
      code: INVLPG,
      gpr: { 0: linear(first(now)) },
      drops: (page) => page === first(now),
    },
    {
      name: "INVLPG of a global page",
      code: INVLPG,
      gpr: { 0: linear(GLOBAL_PAGE) },
      drops: (page) => page === GLOBAL_PAGE,
    },
    { name: "INVPCID 0", ...invpcid(0n, other, first(other)), drops: (p) => p === first(other) },
    { name: "INVPCID 0, global", ...invpcid(0n, other, GLOBAL_PAGE), drops: () => false },
    { name: "INVPCID 1", ...invpcid(1n, other, 0), drops: isOf(other) },
    { name: "INVPCID 2", ...invpcid(2n, 0, 0), drops: () => true },
    { name: "INVPCID 3", ...invpcid(3n, 0, 0), drops: (page) => page !== GLOBAL_PAGE },
  ];
}

const COUNT = operations(0, 0).length;

law("instructions-invalidate-what-they-must", {
  says: "After MOV to CR3 and CR4, INVLPG and each type of INVPCID, translations that they invalidate are walked for again, and those that they keep are stale.",
  cites: "SDM Vol. 3, Operations that Invalidate TLBs and Paging-Structure Caches",
  forAll: {
    operation: fc.nat(COUNT - 1),
    now: fc.constantFrom(...PCIDS),
    other: fc.constantFrom(...PCIDS),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ operation, now, other, engine }) => {
    const done = operations(now, other)[operation] as Operation;
    const machine = filled(done, now, engine);
    const fault = machine.step();
    if (fault !== null) throw new Error(`${done.name} faults: ${fault.vector}`);
    for (const page of PAGES) {
      const isStale = frameAt(machine, page) === OLD_FRAME;
      const mustGo = done.drops(page);
      if (isStale && mustGo) throw new Error(`${done.name} keeps ${page.toString(16)}`);
      if (!isStale && !mustGo && done.atLeast !== true)
        throw new Error(`${done.name} drops ${page.toString(16)}`);
    }
  },
});

law("without-pcids-cr3-drops-all-but-global", {
  says: "With CR4.PCIDE clear a MOV to CR3 drops every translation but global ones, and without CR4.PGE there are none.",
  cites: "SDM Vol. 3, Operations that Invalidate TLBs and Paging-Structure Caches; Global Pages",
  forAll: { pge: fc.boolean(), engine: fc.constantFrom(...ENGINES), cr3: fc.nat(31) },
  runs: 40,
  holds: ({ pge, engine, cr3 }) => {
    const operation = { name: "", code: MOV_CR3, gpr: { 0: BigInt(cr3) }, drops: () => true };
    const machine = new SystemMachine(caseOf(operation), engine);
    const controls = pge ? CONTROLS : CONTROLS & ~CR4.PGE;
    machine.state.setControl("CR4", controls);
    machine.translated.contextChanged();
    fill(machine);
    remap(machine);
    if (machine.step() !== null) throw new Error("MOV to CR3 faults");
    return [first(0), GLOBAL_PAGE].every((page) => {
      const byte = machine.translated.read(linear(page), 1, "read");
      return byte === BigInt(pge && page === GLOBAL_PAGE ? OLD_FRAME : NEW_FRAME);
    });
  },
});

law("invpcid-refuses-what-the-manual-refuses", {
  says: "INVPCID is #GP(0) for a type above 3, reserved bits of the descriptor, a PCID without CR4.PCIDE, and for type 0 an address that is not canonical.",
  cites: 'SDM Vol. 2A, "INVPCID—Invalidate Process-Context Identifier"',
  forAll: {
    type: fc.bigInt({ min: 0n, max: 5n }),
    pcid: fc.constantFrom(0n, 1n, 0xfffn, 0x1000n, 1n << 63n),
    address: fc.constantFrom(0n, 0x1000n, 1n << 47n, 0xffff_8000_0000_0000n),
    pcids: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ type, pcid, address, pcids, engine }) => {
    const operation = {
      name: "",
      code: INVPCID,
      gpr: { 0: type, 3: DATA },
      data: [pcid, address],
      drops: () => true,
    };
    const machine = new SystemMachine(caseOf(operation), engine);
    if (!pcids) machine.state.setControl("CR4", CONTROLS);
    const refused = machine.step();
    const isBad =
      type > 3n ||
      pcid > 0xfffn ||
      (type < 2n && !pcids && pcid !== 0n) ||
      (type === 0n && address === 1n << 47n);
    return isBad ? refused?.vector === 13 && refused.errorCode === 0 : refused === null;
  },
});

// Helpers

function caseOf({
  code,
  gpr,
  data = [],
}: Operation): ConstructorParameters<typeof SystemMachine>[0] {
  const words = new Uint8Array(BigUint64Array.from(data).buffer);
  const change = (state: SystemMachine["state"]): void =>
    state.setControl("CR4", CONTROLS | CR4.PCIDE);
  return { profile: PROFILE, mode: "64-bit", cpl: 0, code, gpr, data: words, change };
}

/** A machine that has used each page under its PCID; the tables have changed since. */
function filled(operation: Operation, now: number, engine: EngineName): SystemMachine {
  const machine = new SystemMachine(caseOf(operation), engine);
  fill(machine);
  for (const pcid of PCIDS) {
    load(machine, pcid);
    for (const page of [first(pcid), second(pcid)]) touch(machine, page);
  }
  remap(machine);
  load(machine, now);
  return machine;
}

/** Maps all pages to the old frame, and uses those that need no PCID. */
function fill(machine: SystemMachine): void {
  for (const frame of [OLD_FRAME, NEW_FRAME]) machine.memory.write8(frame * 4096, frame);
  map(machine, OLD_FRAME);
  for (const page of [first(0), GLOBAL_PAGE]) touch(machine, page);
}

const remap = (machine: SystemMachine): void => map(machine, NEW_FRAME);

function map({ memory }: SystemMachine, frame: number): void {
  for (const page of PAGES) {
    const flags = page === GLOBAL_PAGE ? 0x107 : 7;
    memory.write64(LAST_TABLE * 4096 + 8 * page, BigInt(frame * 4096 + flags));
  }
}

/** Loads a PCID without telling anybody: what a MOV to CR3 with bit 63 does. */
function load({ state, translated }: SystemMachine, pcid: number): void {
  state.setControl("CR3", BigInt(pcid));
  translated.contextChanged();
}

function touch({ translated }: SystemMachine, page: number): void {
  if (typeof translated.read(linear(page), 1, "read") !== "bigint") throw new Error("mapped");
}

/** What a page shows under its own PCID; with the global page any will do. */
function frameAt(machine: SystemMachine, page: number): number {
  if (machine.state.has("CR4", BIT.CR4.PCIDE)) load(machine, page === GLOBAL_PAGE ? 1 : page & 3);
  return Number(machine.translated.read(linear(page), 1, "read"));
}
