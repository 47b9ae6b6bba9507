/** Laws of what is cached of a guest's translations: stale ones live until something invalidates them. */

import fc from "fast-check";
import { CR4 } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { type EngineName, ENGINES } from "../../../support/privileged-machines.ts";
import { entryAt, GUEST, HOST, SvmMachine } from "../../../support/svm-machines.ts";

const [RAX, RCX, RBX] = [0, 1, 3];
const PAGE = 4096;
/** The page that the guest reads, one that is global, and one that the host reads; where they lie, and lie later. */
const PLAIN = GUEST.spare;
const GLOBAL = GUEST.spare + PAGE;
const HOSTS = GUEST.spare + 2 * PAGE;
const [OLD, NEW] = [GUEST.spare + 4 * PAGE, GUEST.spare + 5 * PAGE];
const [FLAGS, IS_GLOBAL] = [0x67n, 0x100n];
const ASID = 1;

/** What the page has whose frame was named before, or now. */
type Seen = "old" | "new";

/** Guest code: MOV AL, [rBX]; MOV CL, [rBX + 4096]; then what it does itself; then VMMCALL. */
const READS = [0x8a, 0x03, 0x8a, 0x8b, 0x00, 0x10, 0x00, 0x00];
const VMMCALL = [0x0f, 0x01, 0xd9];

interface Operation {
  readonly name: string;
  /** Of the guest, before it reads again. */
  readonly code?: readonly number[];
  /** Of the host, before it enters again. */
  readonly host?: (machine: SvmMachine) => void;
  /** What the guest finds: of the plain page, and of the global one. */
  readonly plain: Seen;
  readonly global: Seen;
  /** What the host finds of its own page. */
  readonly own: Seen;
}

const control =
  (field: "TLB_CONTROL" | "GUEST_ASID", value: number) =>
  (machine: SvmMachine): void =>
    machine.set(field, value);

/** INVLPGA as an instruction of the host: rAX is the address, ECX the ASID. */
const invlpga =
  (address: number, asid: number) =>
  (machine: SvmMachine): void => {
    machine.ram.write(HOST.code + 8, Uint8Array.of(0x0f, 0x01, 0xdf));
    machine.state.rip = BigInt(HOST.code + 8);
    machine.state.setGpr(RAX, BigInt(address));
    machine.state.setGpr(RCX, BigInt(asid));
    machine.step();
  };

const MOV_CR3 = [0x0f, 0x20, 0xda, 0x0f, 0x22, 0xda];
const INVLPG_PLAIN = [0x0f, 0x01, 0x3b];
const INVLPG_GLOBAL = [0x0f, 0x01, 0xbb, 0x00, 0x10, 0x00, 0x00];
/** CR4.PGE off and on again: MOV rDX, CR4; BTC EDX, 7; MOV CR4, rDX; BTC; MOV. */
const BTC = [0x0f, 0xba, 0xfa, 0x07];
const TOGGLE_PGE = [0x0f, 0x20, 0xe2, ...BTC, 0x0f, 0x22, 0xe2, ...BTC, 0x0f, 0x22, 0xe2];

const STALE = { plain: "old", global: "old", own: "old" } as const;

/** APM Vol. 2, "TLB Control", "Invalidate Page, Alternate ASID", "TLB Flush", "Global Pages". */
const OPERATIONS: readonly Operation[] = [
  { name: "nothing", ...STALE },
  {
    name: "TLB_CONTROL 1",
    host: control("TLB_CONTROL", 1),
    plain: "new",
    global: "new",
    own: "new",
  },
  { name: "TLB_CONTROL 3", host: control("TLB_CONTROL", 3), ...STALE, plain: "new", global: "new" },
  { name: "TLB_CONTROL 7", host: control("TLB_CONTROL", 7), ...STALE, plain: "new" },
  { name: "another ASID", host: control("GUEST_ASID", 2), ...STALE, plain: "new", global: "new" },
  { name: "INVLPGA", host: invlpga(PLAIN, ASID), ...STALE, plain: "new" },
  { name: "INVLPGA of a global page", host: invlpga(GLOBAL, ASID), ...STALE, global: "new" },
  { name: "INVLPGA of another page", host: invlpga(GUEST.data, ASID), ...STALE },
  { name: "INVLPGA of another ASID", host: invlpga(PLAIN, 2), ...STALE },
  { name: "INVLPGA of the host's ASID", host: invlpga(HOSTS, 0), ...STALE, own: "new" },
  { name: "INVLPG", code: INVLPG_PLAIN, ...STALE, plain: "new" },
  { name: "INVLPG of a global page", code: INVLPG_GLOBAL, ...STALE, global: "new" },
  { name: "MOV to CR3", code: MOV_CR3, ...STALE, plain: "new" },
  { name: "CR4.PGE", code: TOGGLE_PGE, ...STALE, plain: "new", global: "new" },
];

law("translations-of-guests-live-until-they-are-invalidated", {
  says: "A change of the guest's or the nested tables is not seen by what is cached until INVLPG, INVLPGA, MOV to CR3, TLB_CONTROL or another ASID says so; each drops what the manual says, and no translations of the host but where all go.",
  cites:
    'APM Vol. 2, "TLB Control", "TLB Flush", "Invalidate Page, Alternate ASID", "Translation-Lookaside Buffer (TLB)", "Global Pages"',
  forAll: {
    operation: fc.constantFrom(...OPERATIONS),
    changed: fc.constantFrom("guest" as const, "nested" as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 120,
  holds: ({ operation, changed, engine }) => {
    const machine = machineFor(operation, changed, engine);
    // All is used once.
    machine.run();
    if (readsOf(machine).join() !== "old,old")
      throw new Error("the first reads are of the old page");
    if (hostReads(machine) !== "old") throw new Error("the host's first read is of the old page");
    remap(machine, changed, NEW);
    operation.host?.(machine);
    machine.set("RIP", GUEST.code + READS.length + VMMCALL.length);
    machine.run();
    const [plain, global] = readsOf(machine);
    const seen = { plain, global, own: hostReads(machine) };
    for (const what of ["plain", "global", "own"] as const) {
      if (seen[what] !== operation[what])
        throw new Error(`${what} is ${seen[what]} after ${operation.name}`);
    }
  },
});

law("asids-have-translations-of-their-own", {
  says: "A guest never uses what was cached under another ASID, and finds its own again, stale as it is, after others have run that did not use the same pages.",
  cites: 'APM Vol. 2, "TLB Control", "Address Space Identifier (ASID)"',
  forAll: {
    others: fc.array(
      fc.record({ asid: fc.integer({ min: 2, max: 5 }), reads: fc.integer({ min: 0, max: 3 }) }),
      { minLength: 1, maxLength: 4 },
    ),
    changed: fc.constantFrom("guest" as const, "nested" as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 60,
  holds: ({ others, changed, engine }) => {
    const machine = machineFor(OPERATIONS[0] as Operation, changed, engine);
    machine.run();
    hostReads(machine);
    remap(machine, changed, NEW);
    for (const { asid, reads } of others) {
      machine.set("GUEST_ASID", asid);
      // Or no more than VMMCALL.
      machine.set("RIP", GUEST.code + (reads === 0 ? 0 : READS.length));
      machine.run();
      if (reads === 0 && readsOf(machine).join() !== "new,new")
        throw new Error(`ASID ${asid} has seen the old page`);
      if (hostReads(machine) !== "old") throw new Error("the host has lost its translation");
    }
    // The TLB has one place for a page.
    if (others.some(({ reads }) => reads === 0)) return;
    machine.set("GUEST_ASID", ASID);
    machine.set("RIP", GUEST.code);
    machine.run();
    if (readsOf(machine).join() !== "old,old") throw new Error("ASID 1 has lost its translations");
  },
});

// Helpers

function machineFor(
  { code = [] }: Operation,
  changed: "guest" | "nested",
  engine: EngineName,
): SvmMachine {
  const machine = new SvmMachine(engine, [...READS, ...VMMCALL, ...code, ...READS, ...VMMCALL]);
  const { ram, state } = machine;
  ram.fill(OLD, PAGE, 1);
  ram.fill(NEW, PAGE, 2);
  remap(machine, changed, OLD);
  machine.set("CR4", machine.get("CR4") | CR4.PGE);
  state.setGpr(RBX, BigInt(PLAIN));
  return machine;
}

/** The pages lead to a frame, by one kind of tables; the host's own page too. */
function remap({ ram }: SvmMachine, changed: "guest" | "nested", frame: number): void {
  const to = BigInt(frame) | FLAGS;
  if (changed === "guest") {
    ram.write64(entryAt(GUEST.tables, PLAIN), to);
    ram.write64(entryAt(GUEST.tables, GLOBAL), to | IS_GLOBAL);
  } else {
    ram.write64(entryAt(GUEST.tables, GLOBAL), BigInt(GLOBAL) | FLAGS | IS_GLOBAL);
    for (const page of [PLAIN, GLOBAL]) ram.write64(entryAt(HOST.nested, page), to);
  }
  ram.write64(entryAt(HOST.tables, HOSTS), to);
}

const seenOf = (byte: bigint): Seen => ((byte & 0xffn) === 1n ? "old" : "new");

/** What the guest has read. */
function readsOf(machine: SvmMachine): readonly [Seen, Seen] {
  if (machine.get("EXITCODE") !== 0x81n)
    throw new Error(`exit ${machine.get("EXITCODE").toString(16)}`);
  return [seenOf(machine.get("RAX")), seenOf(machine.state.gpr(RCX))];
}

/** The host reads its page: MOV AL, [rBX] of its own. */
function hostReads(machine: SvmMachine): Seen {
  const { ram, state } = machine;
  const [rbx, rcx] = [state.gpr(RBX), state.gpr(RCX)];
  ram.write(HOST.code + 16, Uint8Array.of(0x8a, 0x03));
  state.rip = BigInt(HOST.code + 16);
  state.setGpr(RBX, BigInt(HOSTS));
  machine.step();
  const seen = seenOf(state.gpr(RAX));
  state.setGpr(RBX, rbx);
  state.setGpr(RCX, rcx);
  return seen;
}
