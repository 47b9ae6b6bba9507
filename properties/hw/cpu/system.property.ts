/** Laws of system instructions: who may execute them, that engines agree on them, and what the control registers allow. */

import fc from "fast-check";
import { AMD, INTEL, makeProfile } from "../../../src/hw/cpu/cpuid/profile.ts";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { SYSTEM_INSTRUCTIONS } from "../../../src/hw/cpu/isa/system/index.ts";
import type { Mode } from "../../../src/hw/cpu/mode.ts";
import { writeSlot } from "../../../src/hw/cpu/msr/slots.ts";
import { BIT, CR0, CR4, type CpuState, EFER, OFFSET, RFLAGS } from "../../../src/hw/cpu/state.ts";
import { law } from "../../support/law.ts";
import {
  anyMode,
  ENGINES,
  MODES,
  PLACES,
  type SystemCase,
  SystemMachine,
} from "../../support/privileged-machines.ts";

const ALL_FEATURES = ["MONITOR", "x2APIC", "WBNOINVD"];
const PROFILES = [INTEL, AMD, makeProfile({ base: "intel", with: ALL_FEATURES })];
const { "#GP": GP, "#UD": UD, "#DB": DB } = VECTORS;

interface Privileged {
  readonly name: string;
  readonly code: readonly number[];
  /** Modes of CPL 3 that have it; in the others it is #UD. */
  readonly modes?: readonly Mode[];
}

const PROTECTED: readonly Mode[] = ["protected", "compatibility", "64-bit"];

/** Memory operands lie at [rBX]. */
const PRIVILEGED: readonly Privileged[] = [
  { name: "HLT", code: [0xf4] },
  { name: "CLTS", code: [0x0f, 0x06] },
  { name: "INVD", code: [0x0f, 0x08] },
  { name: "WBINVD", code: [0x0f, 0x09] },
  { name: "WBNOINVD", code: [0xf3, 0x0f, 0x09] },
  { name: "RDMSR", code: [0x0f, 0x32] },
  { name: "WRMSR", code: [0x0f, 0x30] },
  { name: "LMSW", code: [0x0f, 0x01, 0xf0] },
  { name: "LGDT", code: [0x0f, 0x01, 0x13] },
  { name: "LIDT", code: [0x0f, 0x01, 0x1b] },
  { name: "INVLPG", code: [0x0f, 0x01, 0x3b] },
  { name: "INVPCID", code: [0x66, 0x0f, 0x38, 0x82, 0x03] },
  { name: "LLDT", code: [0x0f, 0x00, 0xd0], modes: PROTECTED },
  { name: "LTR", code: [0x0f, 0x00, 0xd8], modes: PROTECTED },
  { name: "SWAPGS", code: [0x0f, 0x01, 0xf8], modes: ["64-bit"] },
  { name: "SYSRET", code: [0x48, 0x0f, 0x07], modes: ["64-bit"] },
  ...[0, 2, 3, 4, 8].flatMap((number): Privileged[] => {
    const code = [...(number === 8 ? [0x44] : []), 0x0f];
    const modrm = 0xc0 | ((number & 7) << 3);
    const modes: readonly Mode[] = number === 8 ? ["64-bit"] : [...PROTECTED, "virtual-8086"];
    return [
      { name: `MOV r, CR${number}`, code: [...code, 0x20, modrm], modes },
      { name: `MOV CR${number}, r`, code: [...code, 0x22, modrm], modes },
    ];
  }),
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((number): Privileged[] => [
    { name: `MOV r, DR${number}`, code: [0x0f, 0x21, 0xc0 | (number << 3)] },
    { name: `MOV DR${number}, r`, code: [0x0f, 0x23, 0xc0 | (number << 3)] },
  ]),
];

law("privileged-instructions-need-cpl-0", {
  says: "Every privileged instruction is #GP(0) at CPL 3, in each mode that has it, and changes nothing.",
  cites: "SDM Vol. 3, Privileged Instructions; the exception tables of each in Vol. 2",
  forAll: {
    which: fc.constantFrom(...PRIVILEGED),
    mode: fc.constantFrom(...MODES.filter(([, cpl]) => cpl === 3)),
    profile: fc.constantFrom(...PROFILES),
    engine: fc.constantFrom(...ENGINES),
  },
  given: ({ which, mode: [mode], profile }) =>
    (which.modes ?? [mode]).includes(mode) && (which.name !== "WBNOINVD" || profile === AMD),
  runs: 500,
  holds: ({ which, mode: [mode, cpl], profile, engine }) => {
    const of: SystemCase = { profile, mode, cpl, code: which.code, gpr: { 3: 0x5000n } };
    const machine = new SystemMachine(of, engine);
    const before = registers(machine);
    const fault = machine.step();
    if (fault?.vector !== GP || fault.errorCode !== 0)
      throw new Error(`${which.name}: ${fault?.vector}`);
    return registers(machine) === before;
  },
});

law("engines-agree-on-system-instructions", {
  says: "From any state, in any mode and at any level, engines agree on what a system instruction does.",
  cites: "DESIGN, The CPU engine: one text, several engines",
  forAll: {
    form: fc.constantFrom(...formsOfSystem()),
    fields: fc.array(fc.nat(255), { minLength: 10, maxLength: 10 }),
    memory: fc.boolean(),
    prefix: fc.constantFrom<number[][]>([], [], [], [0x66], [0x67], [0xf3], [0x2e], [0x36]),
    mode: anyMode(),
    profile: fc.constantFrom(...PROFILES),
    gpr: fc.array(anyValue(), { minLength: 16, maxLength: 16 }),
    data: fc.array(anyValue(), { minLength: 8, maxLength: 8 }),
    change: anyChange(),
  },
  runs: 1500,
  holds: ({ form, fields, memory, prefix, mode: [mode, cpl], profile, gpr, data, change }) => {
    const code = [...prefix, ...bytesOf(form, fields, memory, mode)];
    const words = new Uint8Array(BigUint64Array.from(data).buffer);
    const registersOf = Object.fromEntries(gpr.map((value, i) => [i, value]));
    const of = { profile, mode, cpl, code, data: words, gpr: registersOf, change: change.apply };
    const [a, b] = ENGINES.map((engine) => new SystemMachine(of, engine));
    for (let i = 0; i < 3; i += 1) {
      const [left, right] = [a?.step(), b?.step()];
      if (JSON.stringify(left, text) !== JSON.stringify(right, text))
        throw new Error(`${form.mnemonic}: ${left?.vector} and ${right?.vector}`);
      if (a?.look() !== b?.look()) throw new Error(`${form.mnemonic}: states differ`);
      if (left !== null) break;
    }
    return true;
  },
});

law("an-override-is-not-for-the-stack", {
  says: "A push over the end of a flat stack segment of 4 GiB is #SS(0), whatever segment override stands before it, and leaves the stack pointer.",
  cites:
    'SDM Vol. 3A, "Limit Checking"; Vol. 2A, "PUSH—Push Word, Doubleword, or Quadword Onto the Stack"',
  forAll: {
    prefix: fc.constantFrom<number[]>([], [0x64], [0x65], [0x2e], [0x3e]),
    profile: fc.constantFrom(...PROFILES),
    pointer: fc.bigInt({ min: 1n, max: 3n }),
  },
  holds: ({ prefix, profile, pointer }) =>
    ENGINES.every((engine) => {
      const code = [...prefix, 0x68, 0, 0, 0, 0];
      const gpr = { 4: pointer };
      const data = new Uint8Array(64);
      const change = (): void => {};
      const of = { profile, mode: "protected" as const, cpl: 0 as const, code, data, gpr, change };
      const machine = new SystemMachine(of, engine);
      const before = machine.look();
      const fault = machine.step();
      return fault?.vector === 12 && fault.errorCode === 0 && machine.look() === before;
    }),
});

type Controls = Partial<Record<"CR0" | "CR3" | "CR4" | "EFER", bigint>>;

interface Write {
  readonly to: 0 | 3 | 4 | 8;
  readonly value: bigint;
  readonly mode: Mode;
  /** What is different at the start. */
  readonly from?: Controls;
  readonly allowed: boolean;
}

const LONG_CR0 = CR0.PG | CR0.PE | CR0.MP | CR0.ET | CR0.NE;
const LONG_CR4 = CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT;
const FLAT_CR0 = CR0.PE | CR0.ET;

/** What MOV to a control register takes and refuses, by the sentences of the manual. */
const WRITES: readonly Write[] = [
  { to: 0, value: LONG_CR0 | CR0.WP | CR0.AM, mode: "64-bit", allowed: true },
  { to: 0, value: LONG_CR0 | (1n << 32n), mode: "64-bit", allowed: false },
  { to: 0, value: LONG_CR0 & ~CR0.PE, mode: "64-bit", allowed: false },
  { to: 0, value: LONG_CR0 | CR0.NW, mode: "64-bit", allowed: false },
  { to: 0, value: LONG_CR0 | CR0.NW | CR0.CD, mode: "64-bit", allowed: true },
  { to: 0, value: LONG_CR0 & ~CR0.PG, mode: "64-bit", allowed: false },
  { to: 0, value: LONG_CR0 & ~CR0.PG, mode: "compatibility", allowed: true },
  {
    to: 0,
    value: LONG_CR0 & ~CR0.PG,
    mode: "compatibility",
    from: { CR4: LONG_CR4 | CR4.PCIDE },
    allowed: false,
  },
  { to: 0, value: FLAT_CR0 | CR0.PG, mode: "protected", allowed: true },
  {
    to: 0,
    value: FLAT_CR0 | CR0.PG,
    mode: "protected",
    from: { EFER: EFER.LME },
    allowed: false,
  },
  {
    to: 0,
    value: FLAT_CR0 | CR0.PG,
    mode: "protected",
    from: { EFER: EFER.LME, CR4: CR4.PAE },
    allowed: true,
  },
  // The first PDPTE has a reserved bit.
  {
    to: 0,
    value: FLAT_CR0 | CR0.PG,
    mode: "protected",
    from: { CR4: CR4.PAE, CR3: 0x5020n },
    allowed: false,
  },
  { to: 0, value: FLAT_CR0, mode: "real", allowed: true },
  { to: 0, value: CR0.PG, mode: "real", allowed: false },
  { to: 3, value: 0x1018n, mode: "64-bit", allowed: true },
  { to: 3, value: 1n << 40n, mode: "64-bit", allowed: false },
  { to: 3, value: 1n << 63n, mode: "64-bit", allowed: false },
  {
    to: 3,
    value: (1n << 63n) | 5n,
    mode: "64-bit",
    from: { CR4: LONG_CR4 | CR4.PCIDE },
    allowed: true,
  },
  {
    to: 3,
    value: (1n << 62n) | 5n,
    mode: "64-bit",
    from: { CR4: LONG_CR4 | CR4.PCIDE },
    allowed: false,
  },
  { to: 3, value: 0x5020n, mode: "protected", allowed: true },
  {
    to: 3,
    value: 0x5020n,
    mode: "protected",
    from: { CR0: FLAT_CR0 | CR0.PG, CR4: CR4.PAE },
    allowed: false,
  },
  { to: 4, value: LONG_CR4 | CR4.PGE | CR4.SMEP | CR4.SMAP, mode: "64-bit", allowed: true },
  { to: 4, value: LONG_CR4 & ~CR4.PAE, mode: "64-bit", allowed: false },
  { to: 4, value: LONG_CR4 | CR4.VMXE, mode: "64-bit", allowed: true },
  { to: 4, value: LONG_CR4 | CR4.VME, mode: "64-bit", allowed: false },
  { to: 4, value: LONG_CR4 | CR4.PVI, mode: "64-bit", allowed: false },
  { to: 4, value: LONG_CR4 | (1n << 12n), mode: "64-bit", allowed: false },
  { to: 4, value: LONG_CR4 | (1n << 33n), mode: "64-bit", allowed: false },
  { to: 4, value: LONG_CR4 | CR4.PCIDE, mode: "64-bit", allowed: true },
  { to: 4, value: LONG_CR4 | CR4.PCIDE, mode: "64-bit", from: { CR3: 8n }, allowed: false },
  { to: 4, value: CR4.PAE | CR4.PCIDE, mode: "protected", allowed: false },
  {
    to: 4,
    value: CR4.PAE | CR4.PSE,
    mode: "protected",
    from: { CR0: FLAT_CR0 | CR0.PG, CR3: 0x5020n, CR4: CR4.PSE },
    allowed: false,
  },
  { to: 8, value: 15n, mode: "64-bit", allowed: true },
  { to: 8, value: 16n, mode: "64-bit", allowed: false },
];

law("control-registers-take-what-the-manual-allows", {
  says: "A MOV to a control register with reserved bits or an illegal combination is #GP(0) and changes nothing; others are read back.",
  cites: 'SDM Vol. 2B, "MOV—Move to/from Control Registers"; Vol. 3, "Control Registers"',
  forAll: { write: fc.constantFrom(...WRITES), engine: fc.constantFrom(...ENGINES) },
  runs: 200,
  holds: ({ write: { to, value, mode, from = {}, allowed }, engine }) => {
    const code = [...(to === 8 ? [0x44] : []), 0x0f, 0x22, 0xc0 | ((to & 7) << 3)];
    const change = (state: CpuState): void => {
      for (const [name, bits] of Object.entries(from)) state.setControl(name as "CR0", bits);
      state.view.setBigUint64(OFFSET.pdptes, 0x2001n, true);
    };
    // A page of 4 MiB for 32-bit paging; the entry at 5020H is no PDPTE that may be loaded.
    const data = new Uint8Array(64);
    data[0] = 0x83;
    data[32] = 3;
    const of = { profile: INTEL, mode, cpl: 0, code, gpr: { 0: value }, change, data } as const;
    const machine = new SystemMachine(of, engine);
    const before = registers(machine);
    const fault = machine.step();
    if ((fault === null) !== allowed || (fault !== null && fault.vector !== GP))
      throw new Error(`CR${to} and ${value.toString(16)}: ${fault?.vector}`);
    if (fault !== null) return registers(machine) === before;
    const kept = to === 3 ? BigInt.asUintN(63, value) : to === 0 ? value | CR0.ET : value;
    if (machine.state.control(`CR${to}`) !== kept) throw new Error("another value is kept");
    const long = mode !== "real" && machine.state.has("EFER", BIT.EFER.LME);
    return (
      to !== 0 || machine.state.has("EFER", BIT.EFER.LMA) === (long && (value & CR0.PG) !== 0n)
    );
  },
});

law("debug-registers-have-their-names-and-fixed-bits", {
  says: "DR4 and DR5 are DR6 and DR7 without CR4.DE and #UD with it; reserved bits read as fixed, the upper half is #GP(0), and DR7.GD makes an access #DB with DR6.BD.",
  cites:
    "SDM Vol. 3, Debug Registers DR4 and DR5; Debug Status Register (DR6); Debug Control Register (DR7)",
  forAll: {
    number: fc.nat(7),
    value: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), anyValue()),
    de: fc.boolean(),
    gd: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 400,
  holds: ({ number, value, de, gd, engine }) => {
    const modrm = 0xc0 | (number << 3);
    const code = [0x0f, 0x23, modrm, 0x0f, 0x21, modrm | 1];
    const change = (state: CpuState): void => {
      if (de) state.setControl("CR4", LONG_CR4 | CR4.DE);
      if (gd) state.setDebug("DR7", 0x2400n);
    };
    const of = { profile: INTEL, mode: "64-bit", cpl: 0, code, gpr: { 0: value }, change } as const;
    const machine = new SystemMachine(of, engine);
    const fault = machine.step();
    const isAlias = number === 4 || number === 5;
    if (isAlias && de) return fault?.vector === UD;
    if (gd) return fault?.vector === DB && fault.debug === 0x2000;
    if (number < 4) {
      if (fault !== null || machine.step() !== null) return false;
      return machine.state.gpr(1) === value;
    }
    if (value >> 32n !== 0n) return fault?.vector === GP;
    if (fault !== null) return false;
    const isSix = number === 4 || number === 6;
    const expected = isSix ? (value & 0xe00fn) | 0xffff_0ff0n : (value & 0xffff_23ffn) | 0x400n;
    if ((expected & 0x2000n) !== 0n && !isSix) return machine.step()?.vector === DB;
    return machine.step() === null && machine.state.gpr(1) === expected;
  },
});

law("umip-keeps-tables-from-programs", {
  says: "With CR4.UMIP SGDT, SIDT, SLDT, SMSW and STR are #GP(0) outside CPL 0; without it they are not.",
  cites: "SDM Vol. 3, Control Registers: CR4.UMIP",
  forAll: {
    code: fc.constantFrom<number[][]>(
      [0x0f, 0x01, 0x03],
      [0x0f, 0x01, 0x0b],
      [0x0f, 0x01, 0xe0],
      [0x0f, 0x00, 0xc0],
      [0x0f, 0x00, 0xc8],
    ),
    mode: fc.constantFrom(...MODES.filter(([mode]) => PROTECTED.includes(mode))),
    umip: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 100,
  holds: ({ code, mode: [mode, cpl], umip, engine }) => {
    const change = (state: CpuState): void => {
      if (umip) state.setControl("CR4", state.control("CR4") | CR4.UMIP);
    };
    const of = { profile: INTEL, mode, cpl, code, gpr: { 3: 0x5000n }, change };
    const fault = new SystemMachine(of, engine).step();
    return umip && cpl === 3 ? fault?.vector === GP : fault === null;
  },
});

law("random-numbers-follow-the-seed", {
  says: "RDRAND and RDSEED give the same numbers for the same seed, other ones for another, and say so in CF.",
  cites: 'SDM Vol. 2B, "RDRAND—Read Random Number"; DESIGN, Time, order, randomness',
  forAll: {
    seed: fc.string({ minLength: 1, maxLength: 8 }),
    engine: fc.constantFrom(...ENGINES),
    code: fc.constantFrom([0x48, 0x0f, 0xc7, 0xf0], [0x48, 0x0f, 0xc7, 0xf8]),
  },
  runs: 60,
  holds: ({ seed, engine, code }) => {
    const draw = (with_: string, on: typeof engine): bigint => {
      const of = { profile: INTEL, mode: "64-bit", cpl: 3, code, seed: with_ } as const;
      const machine = new SystemMachine(of, on);
      machine.state.rflags |= 0x8d4n;
      if (machine.step() !== null || (machine.state.rflags & 0x8d5n) !== 1n)
        throw new Error("no number");
      return machine.state.gpr(0);
    };
    return (
      draw(seed, engine) === draw(seed, "reference") &&
      draw(seed, engine) !== draw(`${seed}.`, engine)
    );
  },
});

// Helpers

/** Registers and memory, without TLBs and accessed bits that a fetch changes. */
const registers = ({ state }: SystemMachine): string => Buffer.from(state.bytes()).toString("hex");

const text = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? value.toString(16) : value;

function formsOfSystem(): readonly Form[] {
  return SYSTEM_INSTRUCTIONS.flatMap(({ forms }) => forms);
}

function anyValue(): fc.Arbitrary<bigint> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.bigInt({ min: 0x5000n, max: 0x5040n }) },
    { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 0x60n }) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        0x8000_0031n,
        0x8005_0033n,
        0x6a0n,
        0xc000_0080n,
        0xc000_0102n,
        0x174n,
        0x7fff_ffff_ffffn,
        0x8000_0000_0000n,
        0xffff_8000_0000_0000n,
      ),
    },
  );
}

interface Change {
  readonly apply: (state: CpuState) => void;
}

/** Control bits, flags, registers of system calls, and descriptors to load. */
function anyChange(): fc.Arbitrary<Change> {
  return fc
    .record({
      cr4: fc.bigInt({ min: 0n, max: 2n ** 22n }),
      flags: fc.bigInt({ min: 0n, max: 2n ** 22n }),
      star: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      call: fc.bigInt({ min: 0n, max: 0xffn }),
      gd: fc.nat(9),
    })
    .map(({ cr4, flags, star, call, gd }) => ({
      apply: (state) => {
        const taken = cr4 & (CR4.TSD | CR4.DE | CR4.UMIP | CR4.FSGSBASE | CR4.PGE);
        state.setControl("CR4", state.control("CR4") | taken);
        state.rflags |= flags & (RFLAGS.IOPL | RFLAGS.DF | RFLAGS.AC | RFLAGS.IF | 0x8d5n);
        writeSlot(state, "IA32_STAR", star);
        writeSlot(state, "IA32_LSTAR", BigInt(PLACES.code));
        writeSlot(state, "IA32_SYSENTER_CS", call);
        writeSlot(state, "IA32_SYSENTER_EIP", BigInt(PLACES.code));
        if (gd === 0) state.setDebug("DR7", 0x2400n);
      },
    }));
}

const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** A row with random fields; memory lies at rBX or by 16-bit addressing somewhere. */
function bytesOf(form: Form, fields: readonly number[], memory: boolean, mode: Mode): number[] {
  const bytes: number[] = [];
  if (form.prefix !== null && /^(66|F3|F2)$/.test(form.prefix))
    bytes.push(Number.parseInt(form.prefix, 16));
  if (form.rexW === true && mode === "64-bit") bytes.push(0x48);
  bytes.push(...MAP_BYTES[form.map], form.opcode);
  if (form.modrm !== null) {
    const { digit, fixed, allows } = form.modrm;
    const inMemory = allows === "memory" || (allows === "any" && memory);
    const [first = 0, low = 0] = fields;
    const reg = (digit ?? first & 7) << 3;
    bytes.push(fixed ?? (inMemory ? reg | 3 : 0xc0 | reg | (low & 7)));
  }
  return [...bytes, ...fields];
}
