/** Laws of the instructions on XMM registers. */

import fc from "fast-check";
import type { Form } from "../../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../../src/hw/cpu/isa/index.ts";
import { law } from "../../support/law.ts";
import { interpretedMachine, look, referenceMachine } from "../../support/programs.ts";
import { anyMxcsr, anyVectorsOfOneKind } from "../../support/vectors.ts";

const COUNT = 32;

const ROWS: readonly Form[] = INSTRUCTIONS.flatMap(({ forms }) => forms).filter(
  ({ operands, modrm }) =>
    operands.some(({ kind }) => kind.startsWith("xmm")) && modrm?.allows !== "memory",
);

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

// Helpers

/** One row again and again, each time with other registers and another immediate. */
function anyRepeatedRow(): fc.Arbitrary<Uint8Array> {
  const operands = fc.tuple(fc.nat(15), fc.nat(15), fc.nat(255));
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
