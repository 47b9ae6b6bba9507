/** Laws of model-specific registers, over every row of the table and over what the manuals say of single ones. */

import fc from "fast-check";
import { isCanonical } from "../../../src/hw/cpu/addressing.ts";
import { AMD, type CpuProfile, INTEL, makeProfile } from "../../../src/hw/cpu/cpuid/profile.ts";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import { hasMsr, MSRS } from "../../../src/hw/cpu/msr/access.ts";
import { resolve } from "../../../src/hw/cpu/msr/msr.ts";
import { writeSlot } from "../../../src/hw/cpu/msr/slots.ts";
import type { CpuState } from "../../../src/hw/cpu/state.ts";
import { law } from "../../support/law.ts";
import {
  type EngineName,
  ENGINES,
  MODES,
  SystemMachine,
} from "../../support/privileged-machines.ts";

const BOARD = ["x2APIC", "TSC-Deadline", "MONITOR"];
const PROFILES: readonly CpuProfile[] = [
  INTEL,
  AMD,
  makeProfile({ base: "intel", with: BOARD }),
  makeProfile({ base: "amd", with: BOARD, physicalBits: 43 }),
];
const WRMSR_RDMSR_CPUID = [0x0f, 0x30, 0x0f, 0x32, 0x0f, 0xa2];
const GP = VECTORS["#GP"];
/** It goes on; a law of its own speaks of it. */
const TSC = 0x10;
const ALL = 2n ** 64n - 1n;

law("msrs-read-back-what-was-written", {
  says: "A value that a register allows is read back under the mask of its writable bits; a reserved bit is #GP(0) and changes nothing.",
  cites: 'SDM Vol. 2D, "WRMSR—Write to Model Specific Register"; Vol. 4',
  forAll: {
    profile: fc.constantFrom(...PROFILES),
    row: fc.constantFrom(...MSRS),
    drawn: fc.oneof(fc.bigInt({ min: 0n, max: ALL }), fc.constantFrom(0n, 6n, 0x0606n, ALL)),
    wild: fc.option(fc.nat(63), { nil: null, freq: 3 }),
    engine: fc.constantFrom(...ENGINES),
  },
  given: ({ profile, row }) => hasMsr(profile, row) && row.read?.length !== 0 && row.number !== TSC,
  runs: 1500,
  holds: ({ profile, row, drawn, wild, engine }) => {
    const writable = row.writable === "nothing" ? 0n : resolve(row.writable, profile);
    const ignored = resolve(row.ignored, profile);
    let value = drawn & writable;
    if (row.canonical === true) value = BigInt.asUintN(64, BigInt.asIntN(48, value)) & writable;
    if (wild !== null) value ^= 1n << BigInt(wild);
    const before = new Access(profile, engine).read(row.number);
    const access = new Access(profile, engine);
    const wrote = access.write(row.number, value);
    const isReserved = (value & ~(writable | ignored)) !== 0n || row.writable === "nothing";
    const isBad = isReserved || (row.canonical === true && !isCanonical(value & writable));
    if (wrote && isBad) throw new Error(`${row.name} takes ${value.toString(16)}`);
    if (!wrote && !isBad && row.allows === undefined)
      throw new Error(`${row.name} refuses ${value.toString(16)}`);
    const expected = wrote ? (before & ~writable) | (value & writable) : before;
    const found = access.read(row.number);
    if (wrote && found !== expected)
      throw new Error(`${row.name} reads ${found.toString(16)}, not ${expected.toString(16)}`);
    return found === expected;
  },
});

law("msrs-are-for-cpl-0", {
  says: "Outside CPL 0 RDMSR and WRMSR of any number are #GP(0) and change nothing.",
  cites: 'SDM Vol. 2B, "RDMSR—Read From Model Specific Register"',
  forAll: {
    profile: fc.constantFrom(...PROFILES),
    number: fc.constantFrom(...MSRS.map(({ number }) => number), 0x800, 0xffff_ffff),
    mode: fc.constantFrom(...MODES.filter(([, cpl]) => cpl === 3)),
    code: fc.constantFrom([0x0f, 0x30], [0x0f, 0x32]),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ profile, number, mode: [mode, cpl], code, engine }) => {
    const machine = new SystemMachine(
      { profile, mode, cpl, code, gpr: { 1: BigInt(number) } },
      engine,
    );
    const before = Buffer.from(machine.state.bytes()).toString("hex");
    const fault = machine.step();
    const same = Buffer.from(machine.state.bytes()).toString("hex") === before;
    return fault?.vector === GP && fault.errorCode === 0 && same;
  },
});

law("numbers-that-nobody-has-fault", {
  says: "A number without a register on the CPU is #GP(0), for reads and writes.",
  cites: 'SDM Vol. 2B, "RDMSR—Read From Model Specific Register"',
  forAll: {
    profile: fc.constantFrom(...PROFILES),
    number: fc.oneof(
      fc.nat(0x3ff),
      fc.integer({ min: 0xc000_0080, max: 0xc000_0110 }),
      fc.integer({ min: 0xc001_0000, max: 0xc001_0150 }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
    ),
  },
  given: ({ profile, number }) =>
    !MSRS.some((row) => row.number === number && hasMsr(profile, row)),
  runs: 300,
  holds: ({ profile, number }) => {
    const access = new Access(profile, "reference");
    return access.tryRead(number) === null && !access.write(number, 0n);
  },
});

/** What the manuals say of single registers: number, value, and whether a write is taken. */
const FACTS: readonly (readonly [number, bigint, boolean])[] = [
  [0x277, 0x0007_0406_0007_0406n, true],
  [0x277, 0x0007_0406_0007_0206n, false],
  [0x277, 0x0307_0406_0007_0406n, false],
  [0x277, 0x0807_0406_0007_0406n, false],
  [0x2ff, 0xc06n, true],
  [0x2ff, 0xc02n, false],
  [0x250, 0x0606_0606_0606_0606n, true],
  [0x250, 0x0606_0606_0606_0706n, false],
  [0x200, 0x8000_0006n, true],
  [0x200, 0x8000_0106n, false],
  [0x201, 0x8000_0800n, true],
  [0x201, 0x8000_0801n, false],
  [0x17b, ALL, true],
  [0x17b, 1n, false],
  [0x401, 0n, true],
  [0x401, 1n, false],
  [0x179, 0x104n, false],
  [0xfe, 0x508n, false],
  [0xc000_0082, 0x7fff_ffff_ffffn, true],
  [0xc000_0082, 0x8000_0000_0000n, false],
  [0xc000_0102, 0xffff_8000_0000_0000n, true],
  [0xc000_0102, 0xfffe_8000_0000_0000n, false],
  [0xc000_0084, 2n ** 32n, false],
  // LME is off and paging on: LME cannot change, NXE can.
  [0xc000_0080, 0xd01n, true],
  [0xc000_0080, 0xc01n, false],
  [0xc000_0080, 0x8d01n, false],
];

law("msrs-follow-the-manual", {
  says: "Memory types, counters of machine checks, canonical addresses and EFER take what the manual says and refuse the rest.",
  cites: 'SDM Vol. 3, "Memory Cache Control", "Machine-Check Global Control MSRs"; Vol. 4',
  forAll: {
    profile: fc.constantFrom(...PROFILES),
    fact: fc.constantFrom(...FACTS),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ profile, fact: [number, value, taken], engine }) => {
    const access = new Access(profile, engine);
    if (access.write(number, value) !== taken)
      throw new Error(`${number.toString(16)} and ${value.toString(16)}: taken is ${!taken}`);
    return !taken || access.read(number) === value;
  },
});

law("the-apic-changes-its-mode-in-order", {
  says: "From disabled the local APIC goes to xAPIC mode, from there to x2APIC mode, and from each back to disabled; all else is #GP(0).",
  cites: 'SDM Vol. 3, "x2APIC State Transitions"',
  forAll: { path: fc.array(fc.constantFrom(0n, 0x400n, 0x800n, 0xc00n), { maxLength: 8 }) },
  runs: 100,
  holds: ({ path }) => {
    const access = new Access(PROFILES[2] as CpuProfile, "reference");
    let mode = 0x800n;
    for (const next of path) {
      const edges = ["800-0", "800-c00", "c00-0", "0-800"];
      const isEdge =
        next === mode
          ? next !== 0x400n
          : edges.includes(`${mode.toString(16)}-${next.toString(16)}`);
      if (access.write(0x1b, 0xfee0_0100n | next) !== isEdge)
        throw new Error(`${mode.toString(16)} to ${next.toString(16)}: ${!isEdge}`);
      if (isEdge) mode = next;
    }
  },
});

law("the-time-stamp-counter-counts-cycles", {
  says: "The counter goes on from what was written, a tick a cycle, and what a write adds to it, it adds to IA32_TSC_ADJUST.",
  cites: 'SDM Vol. 3, "Time-Stamp Counter Adjustment"',
  forAll: {
    first: fc.bigInt({ min: 0n, max: ALL }),
    adjust: fc.bigInt({ min: 0n, max: ALL }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ first, adjust, engine }) => {
    const access = new Access(INTEL, engine);
    const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
    access.write(0x10, first);
    const at = access.began;
    const counter = access.read(0x10);
    const since = access.began - at;
    const moved = access.read(0x3b);
    if (counter !== wrap(first + since) || moved !== wrap(first - at)) return false;
    access.write(0x3b, adjust);
    const later = access.read(0x10);
    return later === wrap(adjust + access.began);
  },
});

/** Registers that Linux 6.1 reads at boot without being ready for a fault, on the vendors' CPUs of these families. */
const LINUX: Readonly<Record<"intel" | "amd", readonly number[]>> = {
  intel: [0x1b, 0x8b, 0xfe, 0x179, 0x1a0, 0x1fc, 0x250, 0x277, 0x2ff, 0x400, 0xc000_0080],
  amd: [0x1b, 0x8b, 0xfe, 0x179, 0x250, 0x277, 0x2ff, 0x400, 0xc001_0010, 0xc001_0015].concat([
    0xc001_001a, 0xc001_001d, 0xc001_001f, 0xc001_0140, 0xc001_0141, 0xc001_1029, 0xc000_0103,
  ]),
};

law("linux-finds-its-registers", {
  says: "What Linux 6.1 reads at boot without being ready for a fault is there on the CPUs of either vendor.",
  cites: "Linux 6.1, arch/x86/kernel/cpu and arch/x86/pci/amd_bus.c, the SDM and the APM on each",
  forAll: {
    profile: fc.constantFrom(...PROFILES),
    n: fc.nat(16),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 80,
  holds: ({ profile, n, engine }) => {
    const list = LINUX[profile.vendor];
    const number = list[n % list.length] as number;
    if (new Access(profile, engine).tryRead(number) === null)
      throw new Error(`${number.toString(16)} faults`);
  },
});

law("misc-enable-hides-what-it-says", {
  says: "IA32_MISC_ENABLE limits CPUID to leaf 2, or hides NX, and then IA32_EFER.NXE cannot be set; its bits that only tell do not change.",
  cites: 'SDM Vol. 4, "IA32_MISC_ENABLE"',
  forAll: {
    drawn: fc.bigInt({ min: 0n, max: ALL }),
    leaf: fc.constantFrom(3, 7, 0xd, 0x16),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ drawn, leaf, engine }) => {
    const value = drawn & 0x4_00c5_1889n;
    const access = new Access(INTEL, engine);
    const before = access.read(0x1a0);
    if (!access.write(0x1a0, value)) throw new Error("refused");
    const told = 0x1880n;
    const kept = (value & ~told) | (before & told);
    if (access.read(0x1a0) !== kept) throw new Error(access.read(0x1a0).toString(16));
    const [isLimited, isHidden] = [(value & (1n << 22n)) !== 0n, (value & (1n << 34n)) !== 0n];
    if ((access.cpuid(0)[0] === 2n) !== isLimited) throw new Error("the last leaf");
    if ((access.cpuid(leaf).join() === access.cpuid(2).join()) !== isLimited)
      throw new Error(`leaf ${leaf}`);
    if ((((access.cpuid(0x8000_0001)[2] as bigint) & (1n << 20n)) === 0n) !== isHidden)
      throw new Error("NX");
    if (!access.write(0xc000_0080, 0x501n)) throw new Error("EFER without NXE");
    if (access.write(0xc000_0080, 0xd01n) === isHidden) throw new Error("EFER.NXE");
  },
});

law("counters-are-read-by-their-number", {
  says: "On AMD's processors RDPMC reads the lower 48 bits of what was written to the counter that ECX names, 0 to 3, at CPL 0 or under CR4.PCE; everything else is #GP(0), and on Intel's everything, since there are no counters.",
  cites: 'APM Vol. 3, "RDPMC"; APM Vol. 2, "Performance Monitoring Counters"',
  forAll: {
    profile: fc.constantFrom(INTEL, AMD),
    counter: fc.oneof(fc.nat(5), fc.constantFrom(0x4000_0000, 0xffff_ffff)),
    value: fc.bigInt({ min: 0n, max: ALL }),
    allows: fc.boolean(),
    mode: fc.constantFrom(...MODES),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ profile, counter, value, allows, mode: [mode, cpl], engine }) => {
    const change = (state: CpuState): void => {
      const PCE = 0x100n;
      state.setControl("CR4", (state.control("CR4") & ~PCE) | (allows ? PCE : 0n));
      COUNTERS.forEach((name, i) => writeSlot(state, name, BigInt(i)));
      const name = COUNTERS[counter];
      if (name !== undefined) writeSlot(state, name, BigInt.asUintN(48, value));
    };
    const gpr = { 1: BigInt(counter) };
    const machine = new SystemMachine(
      { profile, mode, cpl, code: [0x0f, 0x33], gpr, change },
      engine,
    );
    const fault = machine.step();
    const isThere = profile === AMD && counter < 4 && (allows || cpl === 0);
    if (!isThere) return fault?.vector === GP;
    const { state } = machine;
    return fault === null && ((state.gpr(2) << 32n) | state.gpr(0)) === BigInt.asUintN(48, value);
  },
});

// Helpers

const COUNTERS = ["PerfCtr0", "PerfCtr1", "PerfCtr2", "PerfCtr3"] as const;

/** Reads and writes by a kernel in 64-bit mode. */
class Access {
  readonly machine: SystemMachine;
  /** The cycle at which the last instruction began. */
  began = 0n;

  constructor(profile: CpuProfile, engine: EngineName) {
    this.machine = new SystemMachine(
      { profile, mode: "64-bit", cpl: 0, code: WRMSR_RDMSR_CPUID },
      engine,
    );
  }

  write(number: number, value: bigint): boolean {
    const { state } = this.machine;
    state.setGpr(0, value & 0xffff_ffffn);
    state.setGpr(2, value >> 32n);
    return this.#run(number, 0x4000n);
  }

  tryRead(number: number): bigint | null {
    const { state } = this.machine;
    if (!this.#run(number, 0x4002n)) return null;
    return (state.gpr(2) << 32n) | state.gpr(0);
  }

  read(number: number): bigint {
    const value = this.tryRead(number);
    if (value === null) throw new Error(`${number.toString(16)} cannot be read`);
    return value;
  }

  /** EAX, ECX, EDX and EBX. */
  cpuid(leaf: number): readonly bigint[] {
    const { state } = this.machine;
    state.setGpr(0, BigInt(leaf));
    this.#run(0, 0x4004n);
    return [0, 1, 2, 3].map((register) => state.gpr(register));
  }

  #run(number: number, rip: bigint): boolean {
    const { state } = this.machine;
    state.setGpr(1, BigInt(number));
    state.rip = rip;
    this.began = BigInt(state.cycles);
    const fault = this.machine.step();
    if (fault !== null && (fault.vector !== GP || fault.errorCode !== 0))
      throw new Error(`exception ${fault.vector}`);
    return fault === null;
  }
}
