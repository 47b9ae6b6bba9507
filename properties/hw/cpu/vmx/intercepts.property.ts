/** Laws of what a guest may not do by itself: each intercept exits before any effect, and only where it is asked for. */

import fc from "fast-check";
import { readSlot } from "../../../../src/hw/cpu/msr/slots.ts";
import { CR0, CR4 } from "../../../../src/hw/cpu/state.ts";
import type { FieldName } from "../../../../src/hw/cpu/vmx/fields.ts";
import { law } from "../../../support/law.ts";
import { AT, BITS, ENGINES, type Fields, VmxMachine } from "../../../support/vmx-machines.ts";

interface Intercept {
  readonly name: string;
  readonly code: readonly number[];
  /** Null: it exits always. */
  readonly control: readonly ["primary" | "secondary", bit: number] | null;
  readonly reason: number;
  readonly qualification?: bigint;
}

const DATA = BigInt(AT.guestData);
/** MOV to CR3 from RAX, and so on: number of the register, and in bits 5 to 4 the way. */
const FROM_CR = 1n << 4n;

/** RAX holds an address of the guest's data, RCX and RDX are 0. */
const INTERCEPTS: readonly Intercept[] = [
  { name: "CPUID", code: [0x0f, 0xa2], control: null, reason: 10 },
  { name: "HLT", code: [0xf4], control: ["primary", 7], reason: 12 },
  { name: "INVD", code: [0x0f, 0x08], control: null, reason: 13 },
  {
    name: "INVLPG [RAX]",
    code: [0x0f, 0x01, 0x38],
    control: ["primary", 9],
    reason: 14,
    qualification: DATA,
  },
  { name: "RDPMC", code: [0x0f, 0x33], control: ["primary", 11], reason: 15 },
  { name: "RDTSC", code: [0x0f, 0x31], control: ["primary", 12], reason: 16 },
  { name: "VMCALL", code: [0x0f, 0x01, 0xc1], control: null, reason: 18 },
  { name: "VMCLEAR", code: [0x66, 0x0f, 0xc7, 0x30], control: null, reason: 19 },
  { name: "VMLAUNCH", code: [0x0f, 0x01, 0xc2], control: null, reason: 20 },
  { name: "VMPTRLD", code: [0x0f, 0xc7, 0x30], control: null, reason: 21 },
  { name: "VMPTRST +8", code: [0x0f, 0xc7, 0x78, 8], control: null, reason: 22, qualification: 8n },
  { name: "VMREAD", code: [0x0f, 0x78, 0xc8], control: null, reason: 23 },
  { name: "VMRESUME", code: [0x0f, 0x01, 0xc3], control: null, reason: 24 },
  { name: "VMWRITE", code: [0x0f, 0x79, 0xc1], control: null, reason: 25 },
  { name: "VMXOFF", code: [0x0f, 0x01, 0xc4], control: null, reason: 26 },
  { name: "VMXON", code: [0xf3, 0x0f, 0xc7, 0x30], control: null, reason: 27 },
  {
    name: "MOV CR3, RCX",
    code: [0x0f, 0x22, 0xd9],
    control: ["primary", 15],
    reason: 28,
    qualification: 3n | (1n << 8n),
  },
  {
    name: "MOV RDX, CR3",
    code: [0x0f, 0x20, 0xda],
    control: ["primary", 16],
    reason: 28,
    qualification: 3n | FROM_CR | (2n << 8n),
  },
  {
    name: "MOV CR8, RCX",
    code: [0x44, 0x0f, 0x22, 0xc1],
    control: ["primary", 19],
    reason: 28,
    qualification: 8n | (1n << 8n),
  },
  {
    name: "MOV RDX, CR8",
    code: [0x44, 0x0f, 0x20, 0xc2],
    control: ["primary", 20],
    reason: 28,
    qualification: 8n | FROM_CR | (2n << 8n),
  },
  {
    name: "MOV DR3, RAX",
    code: [0x0f, 0x23, 0xd8],
    control: ["primary", 23],
    reason: 29,
    qualification: 3n,
  },
  {
    name: "MOV RDX, DR3",
    code: [0x0f, 0x21, 0xda],
    control: ["primary", 23],
    reason: 29,
    qualification: 3n | (1n << 4n) | (2n << 8n),
  },
  { name: "PAUSE", code: [0xf3, 0x90], control: ["primary", 30], reason: 40 },
  { name: "SGDT [RAX]", code: [0x0f, 0x01, 0x00], control: ["secondary", 2], reason: 46 },
  { name: "LIDT [RAX]", code: [0x0f, 0x01, 0x18], control: ["secondary", 2], reason: 46 },
  { name: "STR [RAX]", code: [0x0f, 0x00, 0x08], control: ["secondary", 2], reason: 47 },
  { name: "LLDT CX", code: [0x0f, 0x00, 0xd1], control: ["secondary", 2], reason: 47 },
  { name: "INVEPT", code: [0x66, 0x0f, 0x38, 0x80, 0x08], control: null, reason: 50 },
  { name: "RDTSCP", code: [0x0f, 0x01, 0xf9], control: ["primary", 12], reason: 51 },
  { name: "INVVPID", code: [0x66, 0x0f, 0x38, 0x81, 0x08], control: null, reason: 53 },
  { name: "WBINVD", code: [0x0f, 0x09], control: ["secondary", 6], reason: 54 },
  { name: "XSETBV", code: [0x0f, 0x01, 0xd1], control: null, reason: 55 },
  { name: "RDRAND", code: [0x0f, 0xc7, 0xf0], control: ["secondary", 11], reason: 57 },
  { name: "INVPCID", code: [0x66, 0x0f, 0x38, 0x82, 0x08], control: ["primary", 9], reason: 58 },
  { name: "RDSEED", code: [0x0f, 0xc7, 0xf8], control: ["secondary", 16], reason: 61 },
];

law("an-intercept-exits-before-any-effect", {
  says: "An instruction that the controls ask for exits with its reason, length and qualification, and has changed nothing; one that they do not ask for does not exit.",
  cites: 'SDM Vol. 3, "Instructions That Cause VM Exits"',
  forAll: {
    intercept: fc.constantFrom(...INTERCEPTS),
    asked: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ intercept, asked, engine }) => {
    const { code, control, reason, qualification = 0n } = intercept;
    const fields = control !== null && asked ? withBit(control) : {};
    const machine = started(code, { ...fields, "Guest CR4": CR4_WITH_XSAVE }, engine);
    const before = seen(machine);
    machine.step();
    if (control !== null && !asked) return machine.state.isGuest;
    expectExit(machine, reason);
    if (machine.read("VM-exit instruction length") !== BigInt(code.length))
      throw new Error("another length");
    if (machine.read("Exit qualification") !== qualification)
      throw new Error(`qualification ${machine.read("Exit qualification").toString(16)}`);
    if (machine.read("Guest RIP") !== BigInt(AT.guestCode)) throw new Error("RIP has moved");
    if (seen(machine) !== before) throw new Error("the instruction has had an effect");
    return true;
  },
});

law("exceptions-exit-as-the-bitmap-says", {
  says: "An exception exits when its bit of the exception bitmap is 1, a page fault when that agrees with its error code under mask and match, and otherwise goes to the guest's handler.",
  cites: 'SDM Vol. 3, "Exception Bitmap", "Exceptions"',
  forAll: {
    exception: fc.constantFrom(
      { vector: 0, code: [0xf7, 0xf1], error: null },
      { vector: 1, code: [0xf1], error: null },
      { vector: 3, code: [0xcc], error: null },
      { vector: 6, code: [0x0f, 0x0b], error: null },
      { vector: 13, code: [0x0f, 0x33], error: 0 },
      { vector: 14, code: [0x8b, 0x04, 0x25, 0, 0, 0, 0x7f], error: 0 },
      { vector: 14, code: [0x89, 0x04, 0x25, 0, 0, 0, 0x7f], error: 2 },
    ),
    bitmap: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    mask: fc.bigInt({ min: 0n, max: 7n }),
    match: fc.bigInt({ min: 0n, max: 7n }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ exception: { vector, code, error }, bitmap, mask, match, engine }) => {
    const fields: Fields = {
      "Exception bitmap": bitmap,
      "Page-fault error-code mask": mask,
      "Page-fault error-code match": match,
    };
    const machine = started(code, fields, engine);
    machine.step();
    const inBitmap = ((bitmap >> BigInt(vector)) & 1n) === 1n;
    const fits = (BigInt(error ?? 0) & mask) === match;
    const exits = vector === 14 ? fits === inBitmap : inBitmap;
    if (!exits)
      return machine.state.isGuest && machine.state.rip === BigInt(AT.handlers + 16 * vector);
    expectExit(machine, 0);
    const types: Readonly<Record<number, bigint>> = { 1: 5n, 3: 6n };
    const type = types[vector] ?? 3n;
    const information =
      (1n << 31n) | (type << 8n) | BigInt(vector) | (error === null ? 0n : 1n << 11n);
    if (machine.read("VM-exit interruption information") !== information)
      throw new Error(machine.read("VM-exit interruption information").toString(16));
    return machine.read("Exit qualification") === (vector === 14 ? 0x7f00_0000n : 0n);
  },
});

law("ports-exit-as-the-bitmaps-say", {
  says: "An access to ports exits when the bit of one of them is set, or it goes beyond the last port; its qualification tells size, direction and port.",
  cites: 'SDM Vol. 3, "I/O-Bitmap Addresses"; "Exit Qualification for I/O Instructions"',
  forAll: {
    port: fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0x7ffe, 0x7fff, 0xfffd, 0xffff),
    ),
    size: fc.constantFrom(1, 2, 4),
    input: fc.boolean(),
    marked: fc.integer({ min: -4, max: 6 }),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ port, size, input, marked, engine }) => {
    const opcode = (input ? 0xec : 0xee) + (size === 1 ? 0 : 1);
    const code = size === 2 ? [0x66, opcode] : [opcode];
    const machine = started(code, {}, engine);
    machine.state.setGpr(2, BigInt(port));
    const bit = Math.min(0xffff, Math.max(0, port + marked));
    machine.memory.write(AT.ioBitmapA + (bit >> 3), Uint8Array.of(1 << (bit & 7)));
    machine.step();
    const exits = (bit >= port && bit < port + size) || port + size > 0x1_0000;
    if (!exits) return machine.state.isGuest && machine.environment.log.length === 1;
    expectExit(machine, 30);
    if (machine.environment.log.length > 0) throw new Error("a port was reached");
    const expected = (BigInt(port) << 16n) | BigInt(size - 1) | (input ? 8n : 0n);
    return machine.read("Exit qualification") === expected;
  },
});

law("msrs-exit-as-the-bitmaps-say", {
  says: "RDMSR and WRMSR exit when the bit of the register is set in the bitmap of its range and direction, or when it is in no range.",
  cites: 'SDM Vol. 3, "MSR-Bitmap Address"',
  forAll: {
    number: fc.constantFrom(
      0x10,
      0x174,
      0x1fff,
      0x2000,
      0x4000_0000,
      0xbfff_ffff,
      0xc000_0080,
      0xc000_0082,
      0xc000_1fff,
      0xc000_2000,
      0xffff_ffff,
    ),
    write: fc.boolean(),
    marked: fc.constantFrom("its bit", "the other direction", "a neighbour"),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ number, write, marked, engine }) => {
    const machine = started([0x0f, write ? 0x30 : 0x32], {}, engine);
    machine.state.setGpr(1, BigInt(number));
    machine.state.setGpr(0, 0n);
    const high = number >= 0xc000_0000;
    const index = high ? number - 0xc000_0000 : number;
    const inRange = index < 0x2000;
    const part = (high ? 0x400 : 0) + ((marked === "the other direction") === write ? 0 : 0x800);
    const bit = marked === "a neighbour" ? index ^ 1 : index;
    if (inRange)
      machine.memory.write(AT.msrBitmaps + part + (bit >> 3), Uint8Array.of(1 << (bit & 7)));
    machine.step();
    const exits = !inRange || marked === "its bit";
    if (!exits) return machine.state.isGuest;
    expectExit(machine, write ? 32 : 31);
    return true;
  },
});

law("control-registers-are-masked", {
  says: "A MOV to CR0 or CR4 exits when a bit of the mask differs from the shadow, and else changes the other bits alone; a MOV from them reads the shadow under the mask.",
  cites: 'SDM Vol. 3, "Guest/Host Masks and Read Shadows for CR0 and CR4"',
  forAll: {
    written: fc.constantFrom(
      ...[0n, CR0.TS, CR0.MP | CR0.TS, CR0.WP].map((flip) => ["CR0", flip] as const),
      ...[0n, CR4.PGE, CR4.DE, CR4.TSD].map((flip) => ["CR4", flip] as const),
    ),
    mask: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    shadow: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
    agrees: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: ({ written: [register, flip], mask, shadow, agrees, engine }) => {
    const number = register === "CR0" ? 0 : 4;
    const code = [0x0f, 0x20, 0xc1 | (number << 3), 0x0f, 0x22, 0xc0 | (number << 3)];
    const machine = started(
      code,
      { [`${register} guest/host mask`]: mask, [`${register} read shadow`]: shadow },
      engine,
    );
    const { state } = machine;
    const real = state.control(register);
    machine.step();
    if (state.gpr(1) !== ((real & ~mask) | (shadow & mask)))
      throw new Error("another value is read");
    // What leaves the bits of the host as the shadow has them, or not.
    const wanted = ((real ^ flip) & ~mask) | ((agrees ? shadow : shadow ^ flip) & mask);
    state.setGpr(0, wanted);
    machine.step();
    if (((wanted ^ shadow) & mask) !== 0n) {
      expectExit(machine, 28);
      return machine.read(`Guest ${register}`) === real;
    }
    if (!state.isGuest) throw new Error(`exit ${machine.read("Exit reason")}`);
    const isTaken = state.rip === BigInt(AT.guestCode + code.length);
    return !isTaken || state.control(register) === ((real & mask) | (wanted & ~mask));
  },
});

// Helpers

const CR4_WITH_XSAVE = CR4.PAE | CR4.VMXE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4.OSXSAVE;

const PRIMARY: FieldName = "Primary processor-based VM-execution controls";
const SECONDARY: FieldName = "Secondary processor-based VM-execution controls";

function withBit([which, bit]: readonly ["primary" | "secondary", number]): Fields {
  const primary = BITS.primary | BITS.secondaryOn | BITS.ioBitmaps | BITS.msrBitmaps;
  const secondary = BITS.ept | BITS.vpid | BITS.unrestricted | BITS.rdtscp | BITS.invpcid;
  return which === "primary"
    ? { [PRIMARY]: primary | (1n << BigInt(bit)) }
    : { [SECONDARY]: secondary | (1n << BigInt(bit)) };
}

/** A guest before its first instruction. */
function started(
  code: readonly number[],
  fields: Fields,
  engine: (typeof ENGINES)[number],
): VmxMachine {
  const machine = new VmxMachine({ mode: "64-bit", code, fields }, engine);
  machine.launch();
  if (!machine.state.isGuest) throw new Error("the guest is not entered");
  machine.state.setGpr(0, DATA);
  machine.state.setGpr(1, 0n);
  machine.state.setGpr(2, 0n);
  return machine;
}

function expectExit(machine: VmxMachine, reason: number): void {
  if (machine.state.isGuest) throw new Error("no exit");
  const found = machine.read("Exit reason");
  if (found !== BigInt(reason)) throw new Error(`exit ${found}, not ${reason}`);
}

/** All that an instruction could have changed and an exit does not. */
function seen({ state, memory, environment }: VmxMachine): string {
  const general = Array.from({ length: 16 }, (_, i) => (i === 4 ? 0n : state.gpr(i)));
  const debug = (["DR0", "DR1", "DR2", "DR3", "DR6"] as const).map((name) => state.debug(name));
  const slots = (["IA32_TSC_AUX", "IA32_STAR", "TSC offset"] as const).map((name) =>
    readSlot(state, name),
  );
  const bytes = Buffer.from(memory.read(AT.guestData, 0x2000)).toString("hex");
  const regions = Buffer.from(memory.read(AT.vmxon, 0x2000)).toString("hex");
  return [...general, ...debug, ...slots, state.control("CR8"), state.xcr0, bytes, regions]
    .concat(environment.log)
    .join();
}
