/** Laws of the instructions on XMM registers. */

import fc from "fast-check";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { law } from "../../support/law.ts";
import {
  interpretedMachine,
  look,
  MEMORY_START,
  referenceMachine,
} from "../../support/programs.ts";
import { anyMxcsr, anyVectorsOfOneKind } from "../../support/vectors.ts";

const COUNT = 32;

const ROWS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms).filter(
  ({ operands, modrm }) =>
    operands.some(({ kind }) => kind.startsWith("xmm")) && modrm?.allows !== "memory",
);

const [RSI, RDI] = [6, 7];
const FILL = 0xa5;
const MEMORY_END = MEMORY_START + 0x4000n;
/** MOVUPS from [RSI-64], to [RDI-64], from [RSI] and to [RDI]. */
const NEAR_THE_END = [
  [0x0f, 0x10, 0x46, 0xc0],
  [0x0f, 0x11, 0x47, 0xc0],
  [0x0f, 0x10, 0x16],
  [0x0f, 0x11, 0x1f],
].flat();
/** Two for each. */
const CYCLES_NEAR_THE_END = 8;

const [PE_PG, EM, TS] = [0x8000_0001n, 4n, 8n];
const [OSFXSR, OSXMMEXCPT] = [0x200n, 0x400n];
const ZEROS: readonly bigint[] = Array.from({ length: 16 }, () => 0n);
/** RDI, which MASKMOVDQU stores at without naming it, in memory. */
const RDI_IN_MEMORY = ZEROS.map((zero, i) => (i === RDI ? MEMORY_START : zero));

const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

law("vector-lanes-agree", {
  says: "Whatever lanes two registers hold, every instruction on them does the same in both engines.",
  cites: 'SDM Vol. 1, "Programming with Intel Streaming SIMD Extensions"; DESIGN, The CPU engine',
  forAll: {
    code: anyRepeatedRow(),
    xmm: anyVectorsOfOneKind(),
    gpr: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 16, maxLength: 16 }),
    mxcsr: anyMxcsr(),
  },
  runs: 600,
  holds: ({ code, xmm, gpr, mxcsr }) => {
    const program = { code, start: { gpr, rflags: 2n, xmm, mxcsr }, data: new Uint8Array(64) };
    const [a, b] = [referenceMachine(program), interpretedMachine(program)];
    const [left, right] = [a.run(COUNT), b.run(COUNT)];
    return left?.vector === right?.vector && look(a) === look(b);
  },
});

law("vectors-need-permission", {
  says: "Every instruction on XMM registers is #UD with CR0.EM or without CR4.OSFXSR, and else #NM with CR0.TS.",
  cites: 'SDM Vol. 3, "Control Registers"; Vol. 2, "Other Exceptions" of each entry',
  forAll: {
    code: anyRepeatedRow(),
    emulated: fc.boolean(),
    switched: fc.boolean(),
    supported: fc.boolean(),
  },
  runs: 400,
  holds: ({ code, emulated, switched, supported }) => {
    const expected = emulated || !supported ? 6 : switched ? 7 : null;
    const program = { code, start: { gpr: RDI_IN_MEMORY, rflags: 2n }, data: new Uint8Array(64) };
    return [referenceMachine(program), interpretedMachine(program)].every((machine) => {
      const { state } = machine;
      state.setControl("CR0", PE_PG | (emulated ? EM : 0n) | (switched ? TS : 0n));
      state.setControl("CR4", OSXMMEXCPT | (supported ? OSFXSR : 0n));
      const before = look(machine);
      const fault = machine.run(1);
      if (expected === null) return fault === null;
      return fault?.vector === expected && look(machine) === before;
    });
  },
});

law("exceptions-without-handler-are-invalid-opcodes", {
  says: "What raises #XM with CR4.OSXMMEXCPT raises #UD without it, and nothing else differs.",
  cites: 'SDM Vol. 1, "SIMD Floating-Point Exceptions (#XM)"; Vol. 3, "Control Registers"',
  forAll: { code: anyRepeatedRow(), xmm: anyVectorsOfOneKind(), mxcsr: fc.nat(0xe07f) },
  runs: 200,
  holds: ({ code, xmm, mxcsr }) => {
    const start = { gpr: ZEROS, rflags: 2n, xmm, mxcsr };
    const program = { code, start, data: new Uint8Array(64) };
    return [referenceMachine, interpretedMachine].every((make) => {
      const [reported, unreported] = [make(program), make(program)];
      reported.state.setControl("CR4", OSFXSR | OSXMMEXCPT);
      unreported.state.setControl("CR4", OSFXSR);
      const [left, right] = [reported.run(COUNT), unreported.run(COUNT)];
      const same = left?.vector === 19 ? right?.vector === 6 : left?.vector === right?.vector;
      return same && look(reported) === look(unreported);
    });
  },
});

law("sixteen-bytes-or-none", {
  says: "Sixteen bytes that reach beyond the last page fault at its end and write nothing, also when the page is well known.",
  cites: 'SDM Vol. 2, "MOVUPS"; Vol. 3, "Page-Fault Exceptions"',
  forAll: {
    from: fc.integer({ min: -40, max: -1 }),
    to: fc.integer({ min: -40, max: -1 }),
    xmm: anyVectorsOfOneKind(),
  },
  runs: 200,
  holds: ({ from, to, xmm }) => {
    const gpr = ZEROS.map((zero, i) =>
      i === RSI ? MEMORY_END + BigInt(from) : i === RDI ? MEMORY_END + BigInt(to) : zero,
    );
    const program = {
      code: Uint8Array.from(NEAR_THE_END),
      start: { gpr, rflags: 2n, xmm },
      data: new Uint8Array(64).fill(FILL),
    };
    const [a, b] = [referenceMachine(program), interpretedMachine(program)];
    const faults = [a.run(CYCLES_NEAR_THE_END), b.run(CYCLES_NEAR_THE_END)];
    const crosses = from > -16 || to > -16;
    // By a user program: bit 2, and bit 1 for the store.
    const errorCode = from > -16 ? 4 : 6;
    const expected = faults.every((fault) =>
      crosses
        ? fault?.vector === 14 && fault.address === MEMORY_END && fault.errorCode === errorCode
        : fault === null,
    );
    const beyond = crosses && to > -16;
    const isUntouched = [a, b].every(
      ({ memory }) => !beyond || memory.bytes.subarray(to).every((byte) => byte === FILL),
    );
    return expected && isUntouched && look(a) === look(b);
  },
});

law("tiny-results-underflow-even-when-rounded-up", {
  says: "A product that is tiny when rounded to unbounded range underflows, although what is stored is the smallest normal number.",
  cites: 'SDM Vol. 1, "Numeric Underflow Exception (#U)"',
  forAll: { k: fc.integer({ min: 1400, max: 2100 }) },
  runs: 100,
  holds: ({ k }) => {
    // (1 + k * 2^-23) * 2^-126 times 1 - 2k * 2^-24 is 1 - 2k^2 * 2^-47 times the smallest normal number.
    const xmm = ZEROS.map((_, i) => BigInt(i === 0 ? 0x80_0000 + k : 0x3f80_0000 - 2 * k));
    const MULSS = Uint8Array.of(0xf3, 0x0f, 0x59, 0xc1);
    const start = { gpr: ZEROS, rflags: 2n, xmm, mxcsr: 0x1fa0 };
    const program = { code: MULSS, start, data: new Uint8Array(64) };
    const underflows = 2 * k * k > 2 ** 22;
    return [referenceMachine(program), interpretedMachine(program)].every((machine) => {
      const fault = machine.run(1);
      return fault === null && ((machine.state.mxcsr & 0x10) !== 0) === underflows;
    });
  },
});

// Helpers

/** One row again and again, each time with other registers and another immediate. */
function anyRepeatedRow(): fc.Arbitrary<Uint8Array> {
  const immediate = fc.oneof(
    fc.nat(255),
    fc.nat(20),
    fc.constantFrom(7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65),
  );
  const operands = fc.tuple(fc.nat(15), fc.nat(15), immediate);
  return fc
    .tuple(fc.constantFrom(...ROWS), fc.array(operands, { minLength: COUNT, maxLength: COUNT }))
    .map(([form, list]) =>
      Uint8Array.from(list.flatMap(([reg, rm, imm]) => encode(form, reg, rm, imm))),
    );
}

function encode(form: Form, register: number, rm: number, imm: number): number[] {
  const reg = form.modrm?.digit ?? register;
  const prefix = form.prefix === null || form.prefix.length !== 2 ? "" : form.prefix;
  const isWide = form.rexW === true || form.operandSize === 64;
  const rex = 0x40 | (isWide ? 8 : 0) | ((reg >> 3) << 2) | (rm >> 3);
  return [
    ...(prefix === "" || prefix === "NP" ? [] : [Number.parseInt(prefix, 16)]),
    rex,
    ...MAP_BYTES[form.map],
    form.opcode,
    0xc0 | ((reg & 7) << 3) | (rm & 7),
    ...form.immediates.map(() => imm),
  ];
}
