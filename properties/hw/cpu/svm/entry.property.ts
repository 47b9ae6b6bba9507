/** Laws of VMRUN: what makes it fail, and what the host finds again. */

import fc from "fast-check";
import type { FeatureName } from "../../../../src/hw/cpu/cpuid/features.ts";
import { slotOffset } from "../../../../src/hw/cpu/msr/slots.ts";
import { BLOCKING, CR0, EFER, OFFSET, PENDING, RFLAGS } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import {
  type Field,
  GUEST,
  HOST,
  INVALID,
  PROFILE,
  SvmMachine,
} from "../../../support/svm-machines.ts";

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;
const high = (value: bigint): bigint => value >> 32n;

// The manual's list.

type Read = (field: Field) => bigint;

interface Row {
  /** How the trace calls what is looked at. */
  readonly names: readonly string[];
  readonly isIllegal: (read: Read, isHostPaged: boolean) => boolean;
}

/** EFER.LME and CR0.PG. */
const isLong = (read: Read): boolean => bit(read("EFER"), 8) && bit(read("CR0"), 31);
const isNested = (read: Read): boolean => bit(read("NP_ENABLE"), 0);
const beyondMemory = (address: bigint): boolean => address >> BigInt(PROFILE.physicalBits) !== 0n;

/** APM Vol. 2, "CR4 Register": bits, and the feature without which they must be zero. */
const CR4_BITS: Readonly<Record<number, FeatureName | null>> = {
  0: "VME",
  1: "VME",
  2: "TSC",
  3: "DE",
  4: "PSE",
  5: "PAE",
  6: "MCE",
  7: "PGE",
  8: null,
  9: "FXSR",
  10: "SSE",
  11: "UMIP",
  16: "FSGSBASE",
  17: "PCID",
  18: "XSAVE",
  20: "SMEP",
  21: "SMAP",
};

function isReservedCr4(value: bigint): boolean {
  for (let n = 0; n < 64; n += 1) {
    const feature = CR4_BITS[n];
    const exists = feature === null || (feature !== undefined && PROFILE.features.has(feature));
    if (bit(value, n) && !exists) return true;
  }
  return false;
}

/** The last page of a map lies beyond; kvm-unit-tests find on processors that both maps count as 8 KiB. */
const isMapBeyond = (base: bigint): boolean =>
  beyondMemory((base & ~0xfffn) + 0x2000n) || beyondMemory(base);

const EXCEPTIONS = [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19];

function isIllegalEvent(event: bigint): boolean {
  if (!bit(event, 31)) return false;
  const [type, vector] = [Number((event >> 8n) & 7n), Number(event & 0xffn)];
  if (type === 3) return !EXCEPTIONS.includes(vector);
  return type === 1 || type > 4;
}

const MEMORY_TYPES = [0, 1, 4, 5, 6, 7];
const isPat = (value: bigint): boolean =>
  [0, 1, 2, 3, 4, 5, 6, 7].every((n) =>
    MEMORY_TYPES.includes(Number((value >> BigInt(8 * n)) & 0xffn)),
  );

/** Bits of EFER that there are: SCE, LME, LMA, NXE, SVME. */
const EFER_BITS = [0, 8, 10, 11, 12];

const ROWS: readonly Row[] = [
  { names: ["efer"], isIllegal: (read) => !bit(read("EFER"), 12) },
  { names: ["cr0"], isIllegal: (read) => !bit(read("CR0"), 30) && bit(read("CR0"), 29) },
  { names: ["cr0"], isIllegal: (read) => high(read("CR0")) !== 0n },
  { names: ["cr3"], isIllegal: (read) => beyondMemory(read("CR3")) },
  { names: ["cr4"], isIllegal: (read) => isReservedCr4(read("CR4")) },
  { names: ["dr6"], isIllegal: (read) => high(read("DR6")) !== 0n },
  { names: ["dr7"], isIllegal: (read) => high(read("DR7")) !== 0n },
  {
    names: ["efer"],
    isIllegal: (read) =>
      EFER_BITS.reduce((left, n) => left & ~(1n << BigInt(n)), read("EFER")) !== 0n,
  },
  { names: ["cr4"], isIllegal: (read) => isLong(read) && !bit(read("CR4"), 5) },
  { names: ["cr0"], isIllegal: (read) => isLong(read) && !bit(read("CR0"), 0) },
  {
    names: ["cs"],
    isIllegal: (read) =>
      isLong(read) &&
      bit(read("CR4"), 5) &&
      bit(read("CS_ATTRIBUTES"), 9) &&
      bit(read("CS_ATTRIBUTES"), 10),
  },
  { names: ["intercept4"], isIllegal: (read) => !bit(read("VECTOR_4"), 0) },
  { names: ["msrpmBasePa"], isIllegal: (read) => isMapBeyond(read("MSRPM_BASE_PA")) },
  { names: ["iopmBasePa"], isIllegal: (read) => isMapBeyond(read("IOPM_BASE_PA")) },
  { names: ["eventInj"], isIllegal: (read) => isIllegalEvent(read("EVENTINJ")) },
  { names: ["asid"], isIllegal: (read) => read("GUEST_ASID") === 0n },
  // "Enabling Nested Paging", "Nested Paging and VMRUN/#VMEXIT".
  { names: ["npEnable"], isIllegal: (read, isHostPaged) => isNested(read) && !isHostPaged },
  { names: ["nCr3"], isIllegal: (read) => isNested(read) && beyondMemory(read("N_CR3")) },
  { names: ["gPat"], isIllegal: (read) => isNested(read) && !isPat(read("G_PAT")) },
];

interface Change {
  readonly field: Field;
  readonly to: (was: bigint) => bigint;
  readonly toString: () => string;
}

const change = (field: Field, text: string, to: (was: bigint) => bigint): Change => ({
  field,
  to,
  toString: () => `${field}: ${text}`,
});

const toggled = (field: Field, ...bits: readonly number[]): fc.Arbitrary<Change> =>
  fc
    .oneof(fc.constantFrom(...bits), fc.nat(63))
    .filter((n) => field !== "EFER" || n < 13 || n > 15)
    .map((n) => change(field, `bit ${n}`, (was) => was ^ (1n << BigInt(n))));

const becomes = (field: Field, ...values: readonly bigint[]): fc.Arbitrary<Change> =>
  fc.constantFrom(...values).map((value) => change(field, value.toString(16), () => value));

const END = 1n << BigInt(PROFILE.physicalBits);
const MAPS = [0n, 0x6000n, ...[1n, 2n, 3n, 4n].map((n) => END - 0x1000n * n), END, 1n << 63n];

function anyEvent(): fc.Arbitrary<Change> {
  return fc
    .record({
      valid: fc.constantFrom(true, true, true, false),
      type: fc.constantFrom(0, 1, 2, 3, 3, 3, 4, 5, 6, 7),
      vector: fc.constantFrom(...EXCEPTIONS, 2, 2, 2, 32, 64, 255),
    })
    .map(({ valid, type, vector }) => {
      const event = (valid ? 0x8000_0000 : 0) + (type << 8) + vector;
      return change("EVENTINJ", event.toString(16), () => BigInt(event));
    });
}

const anyChange = (): fc.Arbitrary<Change> =>
  fc.oneof(
    toggled("EFER", 0, 8, 10, 11, 12),
    toggled("CR0", 0, 1, 29, 30, 31, 32),
    toggled("CR3", 12, 47, 48),
    toggled("CR4", 5, 11, 13, 16, 17, 18, 19, 20, 21, 22),
    toggled("DR6", 0, 31, 32),
    toggled("DR7", 0, 31, 32),
    toggled("CS_ATTRIBUTES", 9, 10),
    becomes("CS_ATTRIBUTES", 0xe9bn, 0x69bn, 0xc9bn),
    toggled("VECTOR_4", 0),
    becomes("MSRPM_BASE_PA", ...MAPS),
    becomes("IOPM_BASE_PA", ...MAPS),
    becomes("GUEST_ASID", 0n, 1n, 2n, 0x7fffn),
    anyEvent(),
    becomes("CR0", 0xe000_0033n, 0xa000_0033n, 0x8000_0032n),
    becomes("NP_ENABLE", 0n, 1n),
    toggled("N_CR3", 12, 47, 48),
    fc
      .record({ byte: fc.nat(7), type: fc.constantFrom(...MEMORY_TYPES, 2, 3, 8, 0x86) })
      .map(({ byte, type }) =>
        change("G_PAT", `byte ${byte} ${type}`, (was) => {
          const shift = BigInt(8 * byte);
          return (was & ~(0xffn << shift)) | (BigInt(type) << shift);
        }),
      ),
  );

law("vmrun-enters-what-the-manual-lets-in", {
  says: "A random control block either enters or ends with VMEXIT_INVALID, as the manual's list of checks predicts, with the host as it was, the guest's state area untouched and the failed check in the trace.",
  cites:
    'APM Vol. 2, "Canonicalization and Consistency Checks", "Event Injection", "Enabling Nested Paging", "Nested Paging and VMRUN/#VMEXIT"; for the maps kvm-unit-tests, svm: "TEST_BITMAP_ADDR"',
  forAll: {
    changes: fc.oneof(
      { weight: 3, arbitrary: fc.array(anyChange(), { minLength: 1, maxLength: 1 }) },
      { weight: 1, arbitrary: fc.array(anyChange(), { maxLength: 4 }) },
    ),
    isHostPaged: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    hasRun: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 400,
  holds: ({ changes, isHostPaged, hasRun, engine }) => {
    const machine = new SvmMachine(engine);
    // What a VMRUN has found legal must not be taken for legal when something was changed.
    if (hasRun) enterAndExit(machine);
    if (!isHostPaged) leaveLongMode(machine);
    // A page of zeros is good tables for whatever paging the guest has.
    machine.set("CR3", GUEST.spare);
    for (const { field, to } of changes) machine.set(field, to(machine.get(field)));
    const read: Read = (field) => machine.get(field);
    const failed = ROWS.filter(({ isIllegal }) => isIllegal(read, isHostPaged));
    const before = guestArea(machine);
    machine.atHost();
    const host = blockOf(machine);
    machine.step();
    if (failed.length === 0) {
      if (!machine.state.isGuest) throw new Error(`refused: ${told(machine)}`);
      return;
    }
    if (machine.state.isGuest) throw new Error(`entered in spite of ${failed[0]?.names.join()}`);
    if (machine.get("EXITCODE") !== INVALID) throw new Error("another exit code");
    if (guestArea(machine) !== before) throw new Error("the guest's state has changed");
    isHostAgain(machine, host, {});
    const names = failed.flatMap((row) => row.names).map((name) => `VMCB.${name}`);
    const refusal = machine.surroundings.refusals.at(-1);
    if (refusal?.outcome !== "VMEXIT_INVALID" || !names.includes(refusal.field))
      throw new Error(`the trace has ${refusal?.field}, not ${names.join()}`);
  },
});

// What the host finds again.

const anyWord = (bits: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });

interface HostCase {
  readonly selectors: readonly number[];
  readonly bases: readonly bigint[];
  readonly limits: readonly bigint[];
  readonly flags: bigint;
  readonly cr0: bigint;
  readonly cr4: bigint;
  readonly nxe: boolean;
  readonly pat: boolean;
  readonly nmiBlocked: boolean;
}

type GuestWord =
  | "RAX"
  | "RSP"
  | "RIP"
  | "RFLAGS"
  | "CR2"
  | "CR0"
  | "CR3"
  | "CR4"
  | "DR6"
  | "DR7"
  | "GDTR_BASE"
  | "IDTR_BASE"
  | "GDTR_LIMIT"
  | "IDTR_LIMIT";

interface GuestCase {
  readonly words: Readonly<Record<GuestWord, bigint>>;
  /** Bytes of ES, SS and DS, and of the descriptor tables. */
  readonly segments: readonly bigint[];
  readonly cpl: 0 | 3;
  readonly isLong: boolean;
  readonly isNested: boolean;
}

const anyHost = (): fc.Arbitrary<HostCase> =>
  fc.record({
    selectors: fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 4 }),
    bases: fc.array(anyWord(47), { minLength: 4, maxLength: 4 }),
    limits: fc.array(anyWord(16), { minLength: 2, maxLength: 2 }),
    flags: anyWord(22),
    cr0: anyWord(19),
    cr4: anyWord(11),
    nxe: fc.boolean(),
    pat: fc.boolean(),
    nmiBlocked: fc.boolean(),
  });

const anyGuest = (): fc.Arbitrary<GuestCase> =>
  fc.record({
    words: fc.record({
      RAX: anyWord(64),
      RSP: anyWord(64),
      RIP: anyWord(47),
      RFLAGS: anyWord(22),
      CR2: anyWord(64),
      CR0: anyWord(19),
      CR3: anyWord(47),
      CR4: anyWord(11),
      DR6: anyWord(32),
      DR7: anyWord(32),
      GDTR_BASE: anyWord(64),
      IDTR_BASE: anyWord(64),
      GDTR_LIMIT: anyWord(16),
      IDTR_LIMIT: anyWord(16),
    }),
    segments: fc.array(anyWord(64), { minLength: 6, maxLength: 6 }),
    cpl: fc.constantFrom(0 as const, 3 as const),
    isLong: fc.boolean(),
    isNested: fc.boolean(),
  });

law("vmexit-gives-the-host-back", {
  says: "Entry followed by exit gives the host all of its state back but for RIP, CR2, DR6 and DR7, with GIF clear, and leaves in the VMCB the guest's state as it was put there.",
  cites: 'APM Vol. 2, "VMRUN Instruction" (Saving Host State, Loading Guest State), "#VMEXIT"',
  forAll: { host: anyHost(), guest: anyGuest(), engine: fc.constantFrom(...ENGINES) },
  runs: 200,
  holds: ({ host, guest, engine }) => {
    const machine = new SvmMachine(engine);
    startHost(machine, host);
    startGuest(machine, guest);
    // NMIs are intercepted, so the first boundary of the guest is its last.
    machine.set("VECTOR_3", 2);
    const before = guestArea(machine);
    machine.atHost();
    const block = blockOf(machine);
    machine.step();
    if (!machine.state.isGuest) throw new Error(`refused: ${told(machine)}`);
    if (host.nmiBlocked) machine.state.blocking &= ~BLOCKING.nmi;
    machine.arrive("NMI");
    machine.step();
    if (machine.get("EXITCODE") !== 0x61n) throw new Error(`exit ${machine.get("EXITCODE")}`);
    if (guestArea(machine) !== before) throw new Error("the guest's state has changed");
    const [CR2, DR6] = [machine.get("CR2"), machine.get("DR6")];
    isHostAgain(machine, block, { CR2, DR6 });
  },
});

law("no-control-block-breaks-the-simulator", {
  says: "Whatever bytes a VMCB, its tables and its guest's code have, the machine goes on.",
  cites: "DESIGN, Guest code never reaches an exception of the simulator",
  forAll: {
    sprays: fc.array(
      fc.record({
        words: fc.array(fc.tuple(fc.nat(0x6a0 / 4 - 1), anyWord(32)), { maxLength: 8 }),
        changes: fc.array(anyChange(), { maxLength: 2 }),
        tables: fc.array(fc.tuple(fc.nat(0x7ff), anyWord(64)), { maxLength: 6 }),
        code: fc.uint8Array({ minLength: 8, maxLength: 24 }),
        event: fc.constantFrom("INTR" as const, "NMI" as const, "INIT" as const, null),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ sprays, engine }) => {
    const machine = new SvmMachine(engine);
    const { ram, state } = machine;
    for (const { words, changes, tables, code, event } of sprays) {
      ram.write(GUEST.code, code);
      for (const [at, value] of words) ram.write32(HOST.vmcb + 4 * at, Number(value));
      for (const { field, to } of changes) machine.set(field, to(machine.get(field)));
      for (const [at, value] of tables) {
        const entry = at % 8 < 4 ? HOST.nested + 8 * at : GUEST.tables + 8 * at;
        ram.write64(entry, value);
      }
      machine.set("VECTOR_4", machine.get("VECTOR_4") | 1n);
      if (!state.isGuest) machine.atHost();
      machine.cpu.run(state.cycles + 500);
      if (event !== null) machine.arrive(event, 0x40);
      machine.cpu.run(state.cycles + 1500);
    }
  },
});

// Helpers

const blockOf = ({ state }: SvmMachine): Uint8Array => state.bytes().slice();

const guestArea = ({ ram }: SvmMachine): string =>
  Buffer.from(ram.read(HOST.vmcb + 0x400, 0x2a0)).toString("hex");

const told = ({ surroundings }: SvmMachine): string =>
  surroundings.refusals.map(({ check, field }) => `${field}: ${check}`).join();

/** Ranges of the block that are nobody's register. */
const FREE: readonly (readonly [at: number, bytes: number])[] = [
  [OFFSET.cycles, 8],
  [slotOffset("guest TSC offset"), 8],
  [slotOffset("guest TSC multiplier"), 8],
];

/** The host as in `before`, behind VMRUN; `kept` are registers that stay the guest's. */
function isHostAgain(
  machine: SvmMachine,
  before: Uint8Array,
  kept: Readonly<Partial<Record<"CR2" | "DR6", bigint>>>,
): void {
  const expected = before.slice();
  const view = new DataView(expected.buffer);
  const put = (at: number, value: bigint): void => view.setBigUint64(at, value, true);
  put(OFFSET.rip, BigInt(HOST.code + 3));
  if (kept.CR2 !== undefined) put(OFFSET.control + 8, kept.CR2);
  if (kept.DR6 !== undefined) put(OFFSET.debug + 32, kept.DR6);
  put(OFFSET.debug + 40, 0x400n);
  const blocking = view.getUint32(OFFSET.blocking, true);
  view.setUint32(OFFSET.blocking, (blocking & BLOCKING.nmi) | BLOCKING.gif, true);
  const now = blockOf(machine);
  // The NMI that has come meanwhile waits.
  const pending = new DataView(now.buffer).getUint32(OFFSET.pending, true);
  new DataView(now.buffer).setUint32(OFFSET.pending, pending & ~PENDING.nmi, true);
  for (const [at, bytes] of FREE) now.set(expected.subarray(at, at + bytes), at);
  const differs = now.findIndex((byte, i) => byte !== expected[i]);
  if (differs >= 0) throw new Error(`byte ${differs} of the host's state is not as it was`);
}

/** Protected mode without paging. */
/** An NMI that is intercepted ends the guest before its first instruction. */
function enterAndExit(machine: SvmMachine): void {
  machine.set("VECTOR_3", 2);
  machine.enter();
  machine.arrive("NMI");
  machine.step();
  machine.state.pending = 0;
  if (machine.state.isGuest) throw new Error("the NMI does not exit");
}

function leaveLongMode({ state, memory }: SvmMachine): void {
  state.setControl("CR0", state.control("CR0") & ~CR0.PG);
  state.setControl("EFER", EFER.SVME);
  state.setSegment("CS", { ...state.segment("CS"), rights: 0xc09b });
  memory.contextChanged();
}

function startHost({ state, memory }: SvmMachine, host: HostCase): void {
  (["ES", "DS", "FS", "GS"] as const).forEach((name, i) => {
    const [selector, base] = [host.selectors[i] as number, host.bases[i] as bigint];
    state.setSegment(name, { ...state.segment(name), selector, base });
  });
  (["GDTR", "IDTR"] as const).forEach((name, i) => {
    state.setTable(name, { base: host.bases[i] as bigint, limit: Number(host.limits[i]) });
  });
  const free = ~(RFLAGS.TF | RFLAGS.VM | RFLAGS.RF | RFLAGS.AC);
  state.rflags = (host.flags & free & 0x3f_7fd5n) | 2n;
  state.setControl("CR0", state.control("CR0") | (host.cr0 & (CR0.WP | CR0.AM | CR0.TS)));
  state.setControl("CR4", state.control("CR4") | (host.cr4 & 0x7ccn));
  const nxe = host.nxe ? 0n : EFER.NXE;
  state.setControl("EFER", state.control("EFER") & ~nxe);
  const pat = host.pat ? 0x0007_0406_0007_0406n : 0x0606_0606_0606_0606n;
  state.view.setBigUint64(slotOffset("IA32_PAT"), pat, true);
  if (host.nmiBlocked) state.blocking = BLOCKING.nmi;
  memory.contextChanged();
}

function startGuest(machine: SvmMachine, { words, segments, cpl, ...has }: GuestCase): void {
  for (const [field, value] of Object.entries(words)) machine.set(field as Field, value);
  machine.set("RFLAGS", (words.RFLAGS & 0x3d_7fd5n & ~RFLAGS.VM) | 2n);
  const paging = has.isLong ? 0x8000_0031n : 0x30n;
  machine.set("CR0", (words.CR0 & 0x5_003an) | paging);
  machine.set("CR4", (words.CR4 & 0x7dcn) | 0x20n);
  machine.set("EFER", has.isLong ? 0x1d00 : 0x1001);
  machine.set("NP_ENABLE", has.isNested ? 1 : 0);
  machine.set("CPL", has.isLong ? cpl : 0);
  machine.set("G_PAT", 0x0406_0000_0000_0106n);
  [0x400, 0x420, 0x430].forEach((at, i) => {
    const [low, base] = [segments[2 * i] as bigint, segments[2 * i + 1] as bigint];
    // Bits 7 to 4 of SS's attributes: present, of the level, no system segment.
    const cleared = low & 0xffff_ffff_0f1f_ffffn;
    const level = has.isLong && cpl === 3 ? 0x60_0000n : 0n;
    machine.ram.write64(HOST.vmcb + at, cleared | 0x90_0000n | level);
    machine.ram.write64(HOST.vmcb + at + 8, base);
  });
}
