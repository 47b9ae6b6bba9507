/** Laws of nested paging: a guest reaches what two kinds of tables name together, and nothing else. */

import fc from "fast-check";
import type { PagingContext } from "../../../../src/hw/cpu/paging.ts";
import { CR0, CR4, EFER } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import { GUEST, HOST, PROFILE, SvmMachine } from "../../../support/svm-machines.ts";
import { BookMemory, type TwoContexts, WalkEnds } from "../../../support/two-dimensions.ts";

const PAGE = 4096;
const FIRST_PAGE = GUEST.spare / PAGE;
const PAGES = 16;
const RBX = 3;
/** Bits of entries: flags, where addresses begin in pages of each size, one that is reserved, and NX. */
const BITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 21, 30, 51, 52, 62, 63];
const MARKS = 0x60;

interface Flip {
  readonly tables: "nested" | "guest";
  readonly level: number;
  /** Of the last level: a table of the guest, its code, or the page of the access. */
  readonly page: "table" | "code" | "data";
  readonly which: number;
  readonly bit: number;
}

const anyFlip = (): fc.Arbitrary<Flip> =>
  fc.record({
    tables: fc.constantFrom("nested" as const, "guest" as const),
    level: fc.constantFrom(0, 1, 2, 3, 3, 3),
    page: fc.constantFrom("table" as const, "code" as const, "data" as const, "data" as const),
    which: fc.nat(3),
    bit: fc.oneof(fc.constantFrom(...BITS), fc.nat(7), fc.constant(1)),
  });

interface NestedCase {
  readonly flips: readonly Flip[];
  /** Where linear pages lie, and where guest-physical ones lie. */
  readonly linearTo: readonly number[];
  readonly guestTo: readonly number[];
  readonly marked: boolean;
  readonly isPaged: boolean;
  readonly cpl: 0 | 3;
  readonly write: boolean;
  /** The page is read before, so that its translation is cached. */
  readonly readsFirst: boolean;
  readonly page: number;
  readonly offset: number;
  readonly options: readonly ("WP" | "SMEP" | "SMAP" | "NXE")[];
  readonly hostNxe: boolean;
}

const anyCase = (): fc.Arbitrary<NestedCase> =>
  fc
    .record({
      flips: fc.array(anyFlip(), { maxLength: 3 }),
      linearTo: fc.array(fc.nat(PAGES - 1), { minLength: PAGES, maxLength: PAGES }),
      guestTo: fc.array(fc.nat(PAGES - 1), { minLength: PAGES, maxLength: PAGES }),
      marked: fc.boolean(),
      isPaged: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      cpl: fc.constantFrom(0 as const, 3 as const),
      write: fc.boolean(),
      readsFirst: fc.boolean(),
      page: fc.nat(PAGES - 1),
      offset: fc.nat(PAGE - 1),
      options: fc.subarray(["WP", "SMEP", "SMAP", "NXE"] as const),
      hostNxe: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    })
    .map((drawn) => (drawn.isPaged ? drawn : { ...drawn, cpl: 0 as const }));

law("nested-tables-name-all-that-a-guest-reaches", {
  says: "With random tables of guest and host an access reaches the frame that the two-dimensional walk by the book names, with accessed and dirty bits as it says, or ends with its page fault or nested page fault, and nothing else in memory changes.",
  cites:
    'APM Vol. 2, "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering", "Guest and Nested Page Tables, Access and Dirty Bits", "Page Translation and Protection"',
  forAll: { drawn: anyCase(), engine: fc.constantFrom(...ENGINES) },
  runs: 250,
  holds: ({ drawn, engine }) => {
    const machine = guestOf(drawn, engine);
    const linear = BigInt((FIRST_PAGE + drawn.page) * PAGE + drawn.offset);
    machine.state.setGpr(RBX, linear);
    machine.enter();
    if (!machine.state.isGuest) throw new Error("the guest was refused");
    const book = new BookMemory(imageOf(machine).slice(), contextsOf(drawn));
    const wanted = goByTheBook(book, drawn, linear);
    if (wanted === "elsewhere") return;
    machine.step();
    if (drawn.readsFirst && machine.state.isGuest) machine.step();
    if (wanted instanceof WalkEnds) {
      isExit(machine, wanted);
      isSame(withoutMarks(imageOf(machine)), withoutMarks(book.bytes));
      return;
    }
    if (!machine.state.isGuest) throw new Error(`exit ${machine.get("EXITCODE").toString(16)}`);
    const read = Number(machine.state.gpr(0) & 0xffn);
    if (!drawn.write && read !== wanted) throw new Error(`reads ${read}, not ${wanted}`);
    isSame(imageOf(machine), book.bytes);
  },
});

// Helpers

const STORED = 0x5a;

function guestOf(drawn: NestedCase, engine: (typeof ENGINES)[number]): SvmMachine {
  // MOV CL, [rBX]; MOV [rBX], AL or MOV AL, [rBX].
  const first = drawn.readsFirst ? [0x8a, 0x0b] : [];
  const machine = new SvmMachine(engine, [...first, drawn.write ? 0x88 : 0x8a, 0x03], drawn.cpl);
  const { ram, state, memory } = machine;
  for (let i = 0; i < PAGES; i += 1) {
    const at = (FIRST_PAGE + i) * PAGE;
    ram.fill(at, PAGE, i + 1);
    mapTo(machine, HOST.nested, i, drawn.guestTo[i] as number);
    mapTo(machine, GUEST.tables, i, drawn.linearTo[i] as number);
  }
  if (!drawn.marked) {
    for (let at = HOST.nested; at < GUEST.tables + 4 * PAGE; at += 8)
      ram.write8(at, ram.read8(at) & ~MARKS);
  }
  for (const flip of drawn.flips) {
    const at = entryOf(drawn, flip);
    ram.write64(at, ram.read64(at) ^ (1n << BigInt(flip.bit)));
  }
  machine.set("RAX", STORED);
  machine.set("EXCEPTIONS", 1 << 14);
  startModes(machine, drawn);
  if (!drawn.hostNxe) state.setControl("EFER", state.control("EFER") & ~EFER.NXE);
  memory.contextChanged();
  return machine;
}

function startModes(machine: SvmMachine, { isPaged, options }: NestedCase): void {
  const has = (name: (typeof options)[number]): boolean => options.includes(name);
  const cr4 = machine.get("CR4");
  machine.set("CR4", cr4 | (has("SMEP") ? CR4.SMEP : 0n) | (has("SMAP") ? CR4.SMAP : 0n));
  if (has("WP")) machine.set("CR0", machine.get("CR0") | CR0.WP);
  if (!has("NXE")) machine.set("EFER", machine.get("EFER") & ~EFER.NXE);
  if (isPaged) return;
  // Protected mode of 32 bits.
  machine.set("CR0", 0x33);
  machine.set("EFER", EFER.SVME);
  machine.set("CS_ATTRIBUTES", 0xc9b);
}

const lastEntry = (tables: number, page: number): number => tables + 3 * PAGE + 8 * page;

function mapTo({ ram }: SvmMachine, tables: number, from: number, to: number): void {
  const entry = BigInt((FIRST_PAGE + to) * PAGE + 7 + MARKS);
  ram.write64(lastEntry(tables, FIRST_PAGE + from), entry);
}

function entryOf({ page, linearTo, isPaged }: NestedCase, flip: Flip): number {
  const tables = flip.tables === "nested" ? HOST.nested : GUEST.tables;
  if (flip.level < 3) return tables + flip.level * PAGE;
  if (flip.page === "code") return lastEntry(tables, GUEST.code / PAGE);
  if (flip.page === "table") return lastEntry(tables, GUEST.tables / PAGE + flip.which);
  const named = flip.tables === "guest" || !isPaged ? page : (linearTo[page] as number);
  return lastEntry(tables, FIRST_PAGE + named);
}

function contextsOf({ isPaged, options, hostNxe }: NestedCase): TwoContexts {
  const has = (name: (typeof options)[number]): boolean => options.includes(name);
  const nested: PagingContext = {
    mode: "4-level",
    root: HOST.nested,
    walksPdptes: false,
    pdptes: [],
    pse: false,
    pge: false,
    nxe: hostNxe,
    wp: true,
    smep: false,
    smap: false,
    physicalBits: PROFILE.physicalBits,
    gigabytePages: PROFILE.features.has("Page1GB"),
    reservesBit8: true,
  };
  const guest: PagingContext = {
    ...nested,
    root: GUEST.tables,
    nxe: has("NXE"),
    wp: has("WP"),
    smep: has("SMEP"),
    smap: has("SMAP"),
  };
  return { guest: isPaged ? guest : null, nested };
}

/** What the guest's instruction comes to: the byte that it reads, or what its walk ends with. */
function goByTheBook(
  book: BookMemory,
  { cpl, write, readsFirst }: NestedCase,
  linear: bigint,
): number | WalkEnds | "elsewhere" {
  const user = cpl === 3;
  try {
    const code = book.translate(BigInt(GUEST.code), { write: false, fetch: true, user });
    // The code that the tables name now is none of the law's.
    if (code !== GUEST.code) return "elsewhere";
    if (readsFirst) book.translate(linear, { write: false, fetch: false, user });
    const place = book.translate(linear, { write, fetch: false, user });
    if (!book.has(place)) return 0xff;
    if (write) book.bytes[place] = STORED;
    return book.bytes[place] as number;
  } catch (error) {
    if (error instanceof WalkEnds) return error;
    throw error;
  }
}

/** Memory but the VMCB. */
function imageOf({ ram }: SvmMachine): Uint8Array {
  const bytes = ram.read(0, ram.sizeBytes).slice();
  return bytes.fill(0, HOST.vmcb, HOST.vmcb + PAGE);
}

/** The manual leaves open which entries a walk that ends early has marked. */
function withoutMarks(bytes: Uint8Array): Uint8Array {
  const without = bytes.slice();
  for (let at = HOST.nested; at < GUEST.tables + 4 * PAGE; at += 8)
    without[at] = (without[at] as number) & ~MARKS;
  return without;
}

function isExit(machine: SvmMachine, { exit, info1, info2 }: WalkEnds): void {
  const seen = (["EXITCODE", "EXITINFO1", "EXITINFO2"] as const).map((field) =>
    machine.get(field).toString(16),
  );
  const wanted = [exit === "#PF" ? 0x4en : 0x400n, info1, info2].map((value) => value.toString(16));
  if (machine.state.isGuest) throw new Error(`no exit, but ${wanted.join()} was expected`);
  if (seen.join() !== wanted.join()) throw new Error(`exit ${seen.join()}, not ${wanted.join()}`);
}

function isSame(seen: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(seen, wanted) === 0) return;
  const at = seen.findIndex((byte, i) => byte !== wanted[i]);
  throw new Error(`${at.toString(16)} has ${seen[at]}, not ${wanted[at]}`);
}
