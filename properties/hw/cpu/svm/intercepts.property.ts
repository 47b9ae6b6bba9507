/** Laws of intercepts: who asks for an exit has it before the instruction has had any effect. */

import fc from "fast-check";
import { CR0 } from "../../../../src/hw/cpu/state.ts";
import { law } from "../../../support/law.ts";
import { ENGINES } from "../../../support/privileged-machines.ts";
import { ADDRESS, exitOf, guestOf, isExit } from "../../../support/svm-exits.ts";
import { type Field, GUEST, HOST, type SvmMachine } from "../../../support/svm-machines.ts";

// The manual's tables.

/** Exceptions that come before the exit where the level is 3: none, or which. */
type AtLevel3 = "exits" | "#GP" | "#UD" | "not said";

interface Row {
  readonly name: string;
  readonly code: readonly number[];
  readonly field: Field;
  readonly bit: number;
  readonly exit: number;
  readonly atLevel3: AtLevel3;
  readonly info1?: bigint;
}

/** APM Vol. 2, "VMCB Layout": bits; "SVM Intercept Exit Codes"; Vol. 3: opcodes and exceptions. */
const THIRD: readonly (readonly [number, string, readonly number[], AtLevel3, bigint?])[] = [
  [6, "SIDT", [0x0f, 0x01, 0x0b], "exits"],
  [7, "SGDT", [0x0f, 0x01, 0x03], "exits"],
  [8, "SLDT", [0x0f, 0x00, 0xc0], "exits"],
  [9, "STR", [0x0f, 0x00, 0xc8], "exits"],
  [10, "LIDT", [0x0f, 0x01, 0x1b], "#GP"],
  [11, "LGDT", [0x0f, 0x01, 0x13], "#GP"],
  [12, "LLDT", [0x0f, 0x00, 0xd0], "#GP"],
  [13, "LTR", [0x0f, 0x00, 0xd8], "#GP"],
  [14, "RDTSC", [0x0f, 0x31], "exits"],
  [15, "RDPMC", [0x0f, 0x33], "#GP"],
  [16, "PUSHF", [0x9c], "exits"],
  [17, "POPF", [0x9d], "exits"],
  [18, "CPUID", [0x0f, 0xa2], "exits"],
  [19, "RSM", [0x0f, 0xaa], "exits"],
  [20, "IRET", [0x48, 0xcf], "exits"],
  [21, "INT n", [0xcd, 0x42], "exits", 0x42n],
  [22, "INVD", [0x0f, 0x08], "#GP"],
  [23, "PAUSE", [0xf3, 0x90], "exits"],
  [24, "HLT", [0xf4], "#GP"],
  [25, "INVLPG", [0x0f, 0x01, 0x7b, 0x10], "#GP", ADDRESS + 0x10n],
  [26, "INVLPGA", [0x0f, 0x01, 0xdf], "#GP"],
];
const FOURTH: typeof THIRD = [
  [0, "VMRUN", [0x0f, 0x01, 0xd8], "#GP"],
  [1, "VMMCALL", [0x0f, 0x01, 0xd9], "exits"],
  [2, "VMLOAD", [0x0f, 0x01, 0xda], "#GP"],
  [3, "VMSAVE", [0x0f, 0x01, 0xdb], "#GP"],
  [4, "STGI", [0x0f, 0x01, 0xdc], "#GP"],
  [5, "CLGI", [0x0f, 0x01, 0xdd], "#GP"],
  [7, "RDTSCP", [0x0f, 0x01, 0xf9], "exits"],
  [8, "ICEBP", [0xf1], "exits"],
  [9, "WBINVD", [0x0f, 0x09], "#GP"],
  [9, "WBNOINVD", [0xf3, 0x0f, 0x09], "#GP"],
  [10, "MONITOR", [0x0f, 0x01, 0xc8], "#UD"],
  [11, "MWAIT", [0x0f, 0x01, 0xc9], "#UD"],
  [13, "XSETBV", [0x0f, 0x01, 0xd1], "not said"],
];

const rowsOf = (field: Field, first: number, rows: typeof THIRD): readonly Row[] =>
  rows.map(([bit, name, code, atLevel3, info1 = 0n]) => {
    const exit = first + bit;
    return { name, code, field, bit, exit, atLevel3, info1 };
  });

/** MOV to and from control and debug registers, with any general register. */
function movesOf(kind: "CR" | "DR", numbers: readonly number[], register: number): readonly Row[] {
  const opcode = kind === "CR" ? 0x20 : 0x21;
  const codes = kind === "CR" ? 0x00 : 0x20;
  const info1 = BigInt(register) | (kind === "CR" ? 1n << 63n : 0n);
  return numbers.flatMap((number) =>
    (["READ", "WRITE"] as const).map((what, i) => {
      const rex = 0x40 | (number > 7 ? 4 : 0) | (register > 7 ? 1 : 0);
      const modrm = 0xc0 | ((number & 7) << 3) | (register & 7);
      return {
        name: `${what} of ${kind}${number} with register ${register}`,
        code: [rex, 0x0f, opcode + 2 * i, modrm],
        field: `${kind}_${what}`,
        bit: number,
        exit: codes + 0x10 * i + number,
        atLevel3: "#GP",
        info1,
      };
    }),
  );
}

const rowsWith = (register: number): readonly Row[] => [
  ...rowsOf("VECTOR_3", 0x60, THIRD),
  ...rowsOf("VECTOR_4", 0x80, FOURTH),
  {
    ...rowsOf("VECTOR_5", 0xa0, [[2, "INVPCID", [0x66, 0x0f, 0x38, 0x82, 0x03], "#GP"]])[0],
  } as Row,
  ...movesOf("CR", [0, 2, 3, 4, 8], register),
  ...movesOf("DR", [0, 1, 2, 3, 6, 7], register),
  // "MOV CRx and MOV DRx Intercepts": no more is said of these than that they access CR0.
  { name: "SMSW", code: [0x0f, 0x01, 0xe0], field: "CR_READ", bit: 0, exit: 0, atLevel3: "exits" },
  {
    name: "LMSW",
    code: [0x0f, 0x01, 0xf0],
    field: "CR_WRITE",
    bit: 0,
    exit: 0x10,
    atLevel3: "#GP",
  },
  { name: "CLTS", code: [0x0f, 0x06], field: "CR_WRITE", bit: 0, exit: 0x10, atLevel3: "#GP" },
];

const ROWS = rowsWith(0).length;

const anyRow = (): fc.Arbitrary<Row> =>
  fc
    .record({ at: fc.constantFrom(...Array.from({ length: ROWS }).keys()), register: fc.nat(15) })
    .map(({ at, register }) => rowsWith(register)[at] as Row);

const ALL: readonly Field[] = [
  "CR_READ",
  "CR_WRITE",
  "DR_READ",
  "DR_WRITE",
  "VECTOR_3",
  "VECTOR_4",
  "VECTOR_5",
];
const ONES = 0xffff_ffffn;

law("each-intercept-exits-before-any-effect", {
  says: "An instruction whose bit is set exits with its code, its information and the address of the next instruction, and the guest's registers and memory are as before it; with all bits but its own it has no such exit.",
  cites:
    'APM Vol. 2, "Instruction Intercepts", "VMCB Layout", "SVM Intercept Exit Codes", "Decode Assists", "State Saved on Exit"',
  forAll: {
    row: anyRow(),
    isAsked: fc.boolean(),
    cpl: fc.constantFrom(0 as const, 3 as const),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 600,
  holds: ({ row, isAsked, cpl, engine }) => {
    const machine = guestOf(row.code, cpl, engine);
    const own = 1n << BigInt(row.bit);
    if (isAsked) machine.set(row.field, machine.get(row.field) | own);
    else askForAllBut(machine, row);
    const exit = exitOf(machine);
    const code = exit.code;
    if (!isAsked) {
      if (code === BigInt(row.exit) && row.name !== "VMRUN") throw new Error("it exits unasked");
      return;
    }
    if (cpl === 3 && row.atLevel3 === "not said") return;
    if (cpl === 3 && row.atLevel3 !== "exits") {
      const wanted = row.atLevel3 === "#UD" ? 0x46n : 0x4dn;
      if (code !== wanted) throw new Error(`exit ${code.toString(16)} in place of the exception`);
      return;
    }
    isExit(machine, exit, {
      code: BigInt(row.exit),
      info1: row.info1 ?? 0n,
      info2: 0n,
      nextRip: BigInt(GUEST.code + row.code.length),
    });
  },
});

law("selective-writes-of-cr0-exit", {
  says: "With the selective intercept a MOV to CR0 exits if it changes more than TS and MP, LMSW always, CLTS never.",
  cites: 'APM Vol. 2, "Instruction Intercepts": selective CR0-write intercept',
  forAll: {
    what: fc.constantFrom("MOV" as const, "LMSW" as const, "CLTS" as const),
    flips: fc.subarray([CR0.MP, CR0.TS, CR0.WP, CR0.AM, CR0.NE, CR0.EM]),
    engine: fc.constantFrom(...ENGINES),
  },
  holds: ({ what, flips, engine }) => {
    const code = { MOV: [0x0f, 0x22, 0xc1], LMSW: [0x0f, 0x01, 0xf1], CLTS: [0x0f, 0x06] }[what];
    const machine = guestOf(code, 0, engine);
    machine.set("VECTOR_3", 1n << 5n);
    machine.set("CR0", machine.get("CR0") | CR0.TS);
    const value = flips.reduce((all, flip) => all ^ flip, machine.get("CR0"));
    machine.state.setGpr(1, value);
    const isMore = flips.some((flip) => flip !== CR0.MP && flip !== CR0.TS);
    const wanted = what === "LMSW" || (what === "MOV" && isMore);
    const exit = exitOf(machine);
    if ((exit.code === 0x65n) !== wanted) throw new Error(`exit ${exit.code.toString(16)}`);
    if (!wanted) return;
    const info1 = what === "MOV" ? (1n << 63n) | 1n : 0n;
    const nextRip = BigInt(GUEST.code + code.length);
    isExit(machine, exit, { code: 0x65n, info1, info2: 0n, nextRip });
  },
});

// Ports.

const SIZES = [1, 2, 4] as const;
const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;
const DATA_SEGMENT = 3;

law("ports-exit-by-their-map", {
  says: "IN, OUT, INS and OUTS exit exactly if the map has a bit for one of the ports that they touch, and EXITINFO1 tells of port, size, direction, repetition, address size and segment.",
  cites: 'APM Vol. 2, "IOIO Intercepts", "IN and OUT Behavior", "(REP) OUTS and INS"',
  forAll: {
    port: fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 7, 0x60, 0xfffd, 0xffff)),
    bits: fc.nat(0xff),
    size: fc.constantFrom(...SIZES),
    input: fc.boolean(),
    form: fc.constantFrom("immediate" as const, "DX" as const, "string" as const),
    repeated: fc.boolean(),
    segment: fc.option(fc.nat(5), { nil: null }),
    short: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 300,
  holds: (drawn) => {
    const { bits, size, input, form, repeated, segment, short, engine } = drawn;
    const port = form === "immediate" ? drawn.port & 0xff : drawn.port;
    const isString = form === "string";
    const opcode = { immediate: 0xe4, DX: 0xec, string: 0x6c }[form] + (input ? 0 : 2);
    const prefixes = [
      ...(size === 2 ? [0x66] : []),
      ...(isString && repeated ? [0xf3] : []),
      ...(isString && short ? [0x67] : []),
      ...(isString && segment !== null ? [SEGMENT_PREFIXES[segment] as number] : []),
    ];
    const rest = form === "immediate" ? [port] : [];
    const code = [...prefixes, opcode + (size === 1 ? 0 : 1), ...rest];
    const machine = guestOf(code, 0, engine);
    machine.set("VECTOR_3", 1n << 27n);
    machine.state.setGpr(1, 1n);
    machine.state.setGpr(2, BigInt(port));
    for (let i = 0; i < 8; i += 1)
      setBit(machine, HOST.iopm, port + i - 2, ((bits >> i) & 1) !== 0);
    const touched = Array.from({ length: size }, (_, i) => (bits >> (i + 2)) & 1);
    const exit = exitOf(machine);
    if (!touched.includes(1)) {
      if (exit.code === 0x7bn) throw new Error("it exits without a bit");
      return;
    }
    // ES for INS; DS for OUTS, unless a prefix names one of the two that 64-bit mode has beside.
    const named = input ? 0 : segment !== null && segment > DATA_SEGMENT ? segment : DATA_SEGMENT;
    const info1 =
      (BigInt(port) << 16n) |
      BigInt(isString ? named << 10 : 0) |
      BigInt(isString && short ? 1 << 8 : 1 << 9) |
      BigInt(size << 4) |
      BigInt(isString && repeated ? 8 : 0) |
      BigInt(isString ? 4 : 0) |
      BigInt(input ? 1 : 0);
    const next = BigInt(GUEST.code + code.length);
    isExit(machine, exit, { code: 0x7bn, info1, info2: next, nextRip: next });
  },
});

// Model-specific registers.

const MSRS = [0x10, 0x1b, 0x174, 0x1fff, 0xc000_0081, 0xc000_1fff, 0xc001_0015, 0xc001_0117];
const UNCOVERED = [0x2000, 0x4000_0000, 0xc000_2000, 0xc001_2000, 0xffff_ffff];

/** Where the map has the two bits of a register: for reading, and behind it for writing. */
function mapBitOf(number: number): number | null {
  const [range, at] = [Math.floor(number / 0x1_0000), number % 0x1_0000];
  const part = { 0: 0, [0xc000]: 1, [0xc001]: 2 }[range];
  return part === undefined || at >= 0x2000 ? null : 8 * 0x800 * part + 2 * at;
}

law("msrs-exit-by-their-map", {
  says: "RDMSR and WRMSR exit exactly if the map has the bit of the register and the direction, or has no bits for the register.",
  cites: 'APM Vol. 2, "MSR Intercepts"',
  forAll: {
    number: fc.oneof(
      fc.constantFrom(...MSRS, ...UNCOVERED),
      fc
        .constantFrom(0, 0xc000_0000, 0xc001_0000)
        .chain((first) => fc.nat(0x1fff).map((n) => first + n)),
    ),
    write: fc.boolean(),
    isAsked: fc.boolean(),
    engine: fc.constantFrom(...ENGINES),
  },
  runs: 200,
  holds: ({ number, write, isAsked, engine }) => {
    const code = write ? [0x0f, 0x30] : [0x0f, 0x32];
    const machine = guestOf(code, 0, engine);
    machine.set("VECTOR_3", 1n << 28n);
    machine.state.setGpr(1, BigInt(number));
    // All the other bits are as this one is not.
    machine.ram.fill(HOST.msrpm, 0x2000, isAsked ? 0 : 0xff);
    const bit = mapBitOf(number);
    if (bit !== null) setBit(machine, HOST.msrpm, bit + (write ? 1 : 0), isAsked);
    const exit = exitOf(machine);
    const wanted = isAsked || bit === null;
    if ((exit.code === 0x7cn) !== wanted) throw new Error(`exit ${exit.code.toString(16)}`);
    if (!wanted) return;
    const nextRip = BigInt(GUEST.code + 2);
    isExit(machine, exit, { code: 0x7cn, info1: write ? 1n : 0n, info2: 0n, nextRip });
  },
});

// Helpers

function askForAllBut(machine: SvmMachine, row: Row): void {
  for (const field of ALL) machine.set(field, field === "VECTOR_3" ? ONES & ~0x1fn : ONES);
  machine.set(row.field, machine.get(row.field) & ~(1n << BigInt(row.bit)));
  machine.set("VECTOR_4", machine.get("VECTOR_4") | 1n);
}

function setBit({ ram }: SvmMachine, map: number, bit: number, on: boolean): void {
  if (bit < 0) return;
  const [at, mask] = [map + (bit >> 3), 1 << (bit & 7)];
  ram.write8(at, on ? ram.read8(at) | mask : ram.read8(at) & ~mask);
}
