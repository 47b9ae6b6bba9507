/** Laws of EPT: where an access arrives, what it marks and logs, and how long a translation lives. */

import fc from "fast-check";
import { law } from "../../../support/law.ts";
import { AT, BITS, ENGINES, type Fields, VmxMachine } from "../../../support/vmx-machines.ts";

law("ept-leads-where-the-tables-say", {
  says: "An access of a guest arrives in the frame that the EPT tables name for it, or exits with the violation or misconfiguration that they give, having written nothing; accessed and dirty flags are set as used, and a page that becomes dirty is logged.",
  cites:
    'SDM Vol. 3, "EPT Translation Mechanism", "EPT Misconfigurations", "EPT Violations", "Accessed and Dirty Flags for EPT", "Page-Modification Logging"',
  forAll: {
    kind: fc.constantFrom("read" as const, "write" as const, "fetch" as const),
    marks: fc.boolean(),
    logs: fc.boolean(),
    index: fc.constantFrom(0n, 7n, 511n, 512n, 0xffffn),
    /** Bits of the four entries on the way that are changed. */
    levels: fc.array(anyEntry(), { minLength: 4, maxLength: 4 }),
    large: fc.constantFrom("4 KiB", "4 KiB", "4 KiB", "2 MiB", "1 GiB"),
    frame: fc.integer({ min: 0x30, max: 0x3f }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 1500,
  holds: ({ kind, marks, logs, index, levels, large, frame, engine }) => {
    const fields: Fields = {
      "EPT pointer (EPTP)": BigInt(AT.ept) | (marks ? 0x5en : 0x1en),
      "Secondary processor-based VM-execution controls":
        BITS.ept | BITS.vpid | BITS.unrestricted | (logs ? 1n << 17n : 0n),
      "PML index": index,
    };
    const machine = new VmxMachine({ mode: "protected", code: CODES[kind], fields }, engine);
    const { memory, state } = machine;
    layPath(machine, { levels, large, frame });
    for (let at = 0; at < 0x1_0000; at += 0x1000)
      memory.write(0x3_0000 + at, Uint8Array.from([...MARK, ...PATTERN(at >> 12)]));
    machine.launch();
    state.setGpr(1, 0x1234n);
    if (kind === "fetch") state.rip = TARGET;
    else state.setGpr(0, TARGET);
    const before = memory.read(0, memory.bytes.length).slice();
    const expected = walkByTheManual(machine, { kind, marks, logs, index });
    machine.step();
    return agrees(machine, expected, { before, kind });
  },
});

law("a-translation-lives-until-it-is-invalidated", {
  says: "After a change of an EPT entry a guest sees the old page until INVEPT of its tables or of all, or INVVPID of its VPID, of its address or of all; INVEPT of other tables and INVVPID of others leave it.",
  cites:
    'SDM Vol. 3, "Caching Translation Information", "Operations that Invalidate Cached Mappings"',
  forAll: {
    operation: fc.constantFrom(
      { name: "none", code: [0x90], type: 0n, first: 0n, fresh: false },
      {
        name: "INVEPT single",
        code: INVEPT(),
        type: 1n,
        first: BigInt(AT.ept) | 0x5en,
        fresh: true,
      },
      { name: "INVEPT others", code: INVEPT(), type: 1n, first: 0x2_001en, fresh: false },
      { name: "INVEPT all", code: INVEPT(), type: 2n, first: 0n, fresh: true },
      { name: "INVVPID address", code: INVVPID(), type: 0n, first: 1n, fresh: true },
      { name: "INVVPID single", code: INVVPID(), type: 1n, first: 1n, fresh: true },
      { name: "INVVPID all", code: INVVPID(), type: 2n, first: 0n, fresh: true },
      { name: "INVVPID single, globals stay", code: INVVPID(), type: 3n, first: 1n, fresh: true },
      { name: "INVVPID of another", code: INVVPID(), type: 1n, first: 2n, fresh: false },
      { name: "INVVPID of another's address", code: INVVPID(), type: 0n, first: 2n, fresh: false },
    ),
    hasVpid: fc.boolean(),
    mode: fc.constantFrom("64-bit" as const, "protected" as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 150,
  holds: ({ operation, hasVpid, mode, engine }) => {
    const [old, fresh] = [0x11n, 0x22n];
    const fields: Fields = {
      "Secondary processor-based VM-execution controls":
        BITS.ept | BITS.unrestricted | (hasVpid ? BITS.vpid : 0n),
    };
    // MOV ECX, [guest data]; VMCALL.
    const load = mode === "64-bit" ? [0x8b, 0x0c, 0x25] : [0x8b, 0x0d];
    const code = [...load, ...bytesOf(AT.guestData), 0x0f, 0x01, 0xc1];
    const hostExit = [...operation.code, 0x0f, 0x01, 0xc3];
    const machine = new VmxMachine({ mode, code, fields, hostExit }, engine);
    const { memory, state } = machine;
    memory.write32(AT.guestData, Number(old));
    memory.write32(AT.spare + 0x1000, Number(fresh));
    machine.launch();
    machine.untilExit();
    if ((state.gpr(1) & 0xffn) !== old) throw new Error("the first read");
    const entry = AT.ept + 0x3000 + 8 * (AT.guestData >> 12);
    memory.write64(entry, BigInt(AT.spare + 0x1000) | 0x37n);
    memory.write64(AT.spare + 0x800, operation.first);
    memory.write64(AT.spare + 0x808, BigInt(AT.guestData));
    state.setGpr(0, operation.type);
    state.setGpr(3, BigInt(AT.spare + 0x800));
    machine.write("Guest RIP", BigInt(AT.guestCode));
    machine.step();
    machine.step();
    if (!state.isGuest) throw new Error("not resumed");
    machine.untilExit();
    // Without VPIDs each entry and exit invalidates.
    const expected = operation.fresh || !hasVpid ? fresh : old;
    return (state.gpr(1) & 0xffn) === expected;
  },
});

law("without-vpids-host-and-guest-share-no-translation", {
  says: "Without VPIDs and EPT, entries and exits invalidate: what a guest has read at a linear address is not what the host reads there, nor the other way round.",
  cites: 'SDM Vol. 3, "Operations that Invalidate Cached Mappings"',
  forAll: { hasVpid: fc.boolean(), engine: fc.constantFrom(...ENGINES) },
  runs: 20,
  holds: ({ hasVpid, engine }) => {
    const fields: Fields = {
      "Secondary processor-based VM-execution controls": hasVpid ? BITS.vpid : 0n,
    };
    const load = [0x8b, 0x0c, 0x25, ...bytesOf(0x20_0000)];
    const code = [...load, 0x0f, 0x01, 0xc1];
    const hostExit = [...load, 0x0f, 0x01, 0xc3];
    const machine = new VmxMachine({ mode: "64-bit", code, fields, hostExit }, engine);
    const { memory, state } = machine;
    const frames = { host: AT.spare + 0x1000, guest: AT.spare + 0x2000 };
    for (const [side, tables] of [
      ["host", AT.hostTables],
      ["guest", AT.guestTables],
    ] as const) {
      const leaf = AT.spare + (side === "host" ? 0x3000 : 0x4000);
      memory.write64(tables + 0x2008, BigInt(leaf) | 7n);
      memory.write64(leaf, BigInt(frames[side]) | 7n);
      memory.write32(frames[side], side === "host" ? 0x55 : 0x66);
    }
    machine.launch();
    for (let i = 0; i < 3; i += 1) {
      machine.write("Guest RIP", BigInt(AT.guestCode));
      machine.untilExit();
      if (state.gpr(1) !== 0x66n) throw new Error(`the guest reads ${state.gpr(1)}`);
      machine.write("Guest RIP", BigInt(AT.guestCode));
      machine.step();
      if (state.gpr(1) !== 0x55n) throw new Error(`the host reads ${state.gpr(1)}`);
      machine.step();
    }
    return true;
  },
});

// Helpers

function INVEPT(): readonly number[] {
  return [0x66, 0x0f, 0x38, 0x80, 0x03];
}
function INVVPID(): readonly number[] {
  return [0x66, 0x0f, 0x38, 0x81, 0x03];
}

const bytesOf = (address: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (address >> shift) & 0xff);

/** A guest-physical address that the identity does not cover: indexes 0, 2, 3 and 51. */
const TARGET = (2n << 30n) | (3n << 21n) | (0x33n << 12n) | 8n;

/** MOV ECX, [EAX]; MOV [EAX], ECX; and where the fetch goes, NOPs. */
const CODES = {
  read: [0x8b, 0x08],
  write: [0x89, 0x08],
  fetch: [0x90],
} as const;
/** Eight NOPs, then what tells the frame. */
const MARK = Array.from({ length: 8 }, () => 0x90);
const PATTERN = (frame: number): readonly number[] => [0x90, frame, 0x90, 0x90];

interface EntryChange {
  readonly rights: number;
  readonly type: number;
  readonly extra: bigint;
}

function anyEntry(): fc.Arbitrary<EntryChange> {
  return fc.record({
    rights: fc.oneof({ weight: 6, arbitrary: fc.constant(7) }, { weight: 1, arbitrary: fc.nat(7) }),
    type: fc.oneof({ weight: 8, arbitrary: fc.constant(6) }, { weight: 1, arbitrary: fc.nat(7) }),
    extra: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0n) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          0x80n,
          0x78n,
          0x100n,
          0x200n,
          0xc00n,
          1n << 39n,
          1n << 40n,
          1n << 51n,
          1n << 52n,
          1n << 63n,
          1n << 13n,
        ),
      },
    ),
  });
}

interface Path {
  readonly levels: readonly EntryChange[];
  readonly large: string;
  readonly frame: number;
}

const TABLES = [AT.ept, AT.ept + 0x1000, 0x2_1000, 0x2_2000];
const INDEXES = [0, 2, 3, 0x33];

function layPath({ memory }: VmxMachine, { levels, large, frame }: Path): void {
  const last = large === "1 GiB" ? 1 : large === "2 MiB" ? 2 : 3;
  for (let level = 0; level <= last; level += 1) {
    const { rights, type, extra } = levels[level] as EntryChange;
    const at = (TABLES[level] as number) + 8 * (INDEXES[level] as number);
    const isLeaf = level === last;
    const next = isLeaf
      ? last === 3
        ? BigInt(frame * 0x1000)
        : 0n
      : BigInt(TABLES[level + 1] as number);
    // The table of the first level serves the guest's own code too.
    const bitsOf = level === 0 ? 7n : BigInt(rights);
    const flags = isLeaf ? (BigInt(type) << 3n) | (last < 3 ? 0x80n : 0n) : 0n;
    memory.write64(at, (next | bitsOf | flags) ^ (level === 0 ? 0n : extra));
  }
}

type Expected =
  | {
      readonly is: "reaches";
      readonly physical: bigint;
      readonly marks: ReadonlyMap<number, bigint>;
      readonly log: boolean;
    }
  | { readonly is: "violation"; readonly qualification: bigint }
  | { readonly is: "misconfiguration" }
  | { readonly is: "log full" };

const WIDTH = 40n;

function walkByTheManual(
  { memory }: VmxMachine,
  access: { kind: "read" | "write" | "fetch"; marks: boolean; logs: boolean; index: bigint },
): Expected {
  const { kind, marks, logs, index } = access;
  const shifts = [39n, 30n, 21n, 12n];
  const asked = kind === "read" ? 1n : kind === "write" ? 2n : 4n;
  let allowed = 7n;
  let table = BigInt(AT.ept);
  const used: { at: number; entry: bigint }[] = [];
  for (const [level, shift] of shifts.entries()) {
    const at = Number(table + ((TARGET >> shift) & 511n) * 8n);
    const entry = at < memory.bytes.length ? memory.read64(at) : 2n ** 64n - 1n;
    if ((entry & 7n) === 0n) return { is: "violation", qualification: asked | 0x180n };
    const isLeaf = level === 3 || (level > 0 && (entry & 0x80n) !== 0n);
    if (isWrong(entry, level, isLeaf, shift)) return { is: "misconfiguration" };
    allowed &= entry;
    used.push({ at, entry });
    table = entry & (((1n << 52n) - 1n) ^ 0xfffn);
    if (!isLeaf) continue;
    if ((allowed & asked) === 0n)
      return { is: "violation", qualification: asked | (allowed << 3n) | 0x180n };
    const flags = new Map<number, bigint>();
    const dirties = marks && kind === "write" && (entry & 0x200n) === 0n;
    if (dirties && logs && index > 511n) return { is: "log full" };
    if (marks)
      for (const { at: where, entry: old } of used)
        flags.set(where, old | 0x100n | (where === at && kind === "write" ? 0x200n : 0n));
    const inside = (1n << shift) - 1n;
    return {
      is: "reaches",
      physical: (table & ~inside) | (TARGET & inside),
      marks: flags,
      log: dirties && logs,
    };
  }
  throw new Error("the last level is a leaf");
}

/** Writable without readable, a reserved bit, a memory type that does not exist. */
function isWrong(entry: bigint, level: number, isLeaf: boolean, shift: bigint): boolean {
  if ((entry & 3n) === 2n) return true;
  if ((entry & ((1n << 52n) - 1n)) >> WIDTH !== 0n) return true;
  if (!isLeaf) return (entry & (level === 0 ? 0xf8n : 0x78n)) !== 0n;
  const type = (entry >> 3n) & 7n;
  const low = entry & ((1n << shift) - 1n) & ~0xfffn;
  return [2n, 3n, 7n].includes(type) || low !== 0n;
}

function agrees(
  machine: VmxMachine,
  expected: Expected,
  { before, kind }: { before: Uint8Array; kind: "read" | "write" | "fetch" },
): boolean {
  const { memory, state } = machine;
  const after = memory.read(0, memory.bytes.length);
  const allowed = new Map<number, number>();
  if (expected.is === "reaches") expectEffect(machine, expected, kind, allowed);
  else {
    const reason = { violation: 48n, misconfiguration: 49n, "log full": 62n }[expected.is];
    if (state.isGuest) throw new Error(`no exit, but a ${expected.is}`);
    if (machine.read("Exit reason") !== reason)
      throw new Error(`exit ${machine.read("Exit reason")}, not ${expected.is}`);
    if (
      expected.is === "violation" &&
      machine.read("Exit qualification") !== expected.qualification
    )
      throw new Error(`qualification ${machine.read("Exit qualification").toString(16)}`);
    if (expected.is !== "log full" && machine.read("Guest-physical address") !== TARGET)
      throw new Error("another guest-physical address");
  }
  // The flags of the tables that the guest's own code needs are set beside.
  for (let at = 0x3_0000; at < after.length; at += 1)
    if (after[at] !== before[at] && !allowed.has(at))
      throw new Error(`${at.toString(16)} was written`);
  for (let at = 0x2_1000; at < 0x2_3000; at += 1)
    if (after[at] !== before[at] && expected.is !== "reaches")
      throw new Error(`entry ${at.toString(16)} was written`);
  return true;
}

function expectEffect(
  machine: VmxMachine,
  expected: Expected & { is: "reaches" },
  kind: "read" | "write" | "fetch",
  allowed: Map<number, number>,
): void {
  const { memory, state } = machine;
  const physical = Number(expected.physical);
  const inMemory = physical < memory.bytes.length;
  // Where there is no memory there is no code either.
  if (kind === "fetch" && !inMemory) return;
  if (!state.isGuest) throw new Error(`exit ${machine.read("Exit reason")}`);
  if (kind === "read") {
    const value = inMemory ? memory.read32(physical) : 0xffff_ffff;
    if (state.gpr(1) !== BigInt(value)) throw new Error(`${state.gpr(1)} was read, not ${value}`);
  }
  if (kind === "write" && inMemory) {
    for (let i = 0; i < 4; i += 1) allowed.set(physical + i, 1);
    if (memory.read32(physical) !== 0x1234) throw new Error("the write has not arrived");
  }
  for (const [at, entry] of expected.marks)
    if (at >= 0x2_0000 && memory.read64(at) !== entry)
      throw new Error(`entry ${at.toString(16)} is ${memory.read64(at).toString(16)}`);
  if (!expected.log) return;
  const index = Number(machine.read("PML index"));
  const logged = memory.read64(AT.pml + 8 * ((index + 1) & 0xffff));
  if (logged !== (TARGET & ~0xfffn)) throw new Error(`${logged.toString(16)} was logged`);
}
