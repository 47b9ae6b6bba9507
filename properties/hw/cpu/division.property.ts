/** Laws of DIV and IDIV: they are the division of integers, up to the last quotient that fits. */

import fc from "fast-check";
import { VECTORS } from "../../../src/hw/cpu/fault.ts";
import { law } from "../../support/law.ts";
import { type Program, referenceMachine } from "../../support/programs.ts";

const WIDTHS = [8, 16, 32, 64] as const;
type Width = (typeof WIDTHS)[number];

interface Division {
  readonly width: Width;
  readonly isSigned: boolean;
  readonly dividend: bigint;
  readonly divisor: bigint;
}

law("division-is-of-integers", {
  says: "DIV and IDIV give quotient and remainder, rounded towards zero, or #DE exactly when the divisor is 0 or the quotient does not fit.",
  cites: 'SDM Vol. 2A, "DIV—Unsigned Divide" and "IDIV—Signed Divide"',
  forAll: { division: anyDivision() },
  runs: 500,
  holds: ({ division }) => {
    const { width, isSigned, dividend, divisor } = division;
    const machine = referenceMachine(programOf(division));
    const fault = machine.run(1);
    const quotient = divisor === 0n ? null : dividend / divisor;
    if (quotient === null || cut(quotient, width, isSigned) !== quotient)
      return fault?.vector === VECTORS["#DE"];
    const found = width === 8 ? machine.state.gpr(0) >> 8n : machine.state.gpr(2);
    const sameQuotient = cut(machine.state.gpr(0), width, isSigned) === quotient;
    return fault === null && sameQuotient && cut(found, width, isSigned) === dividend % divisor;
  },
});

// Helpers

const cut = (value: bigint, width: number, isSigned: boolean): bigint =>
  isSigned ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);

/** Quotients near the ends of their range, from the divisor and the remainder. */
function anyDivision(): fc.Arbitrary<Division> {
  const near = fc.integer({ min: -2, max: 2 });
  return fc
    .record({
      width: fc.constantFrom(...WIDTHS),
      isSigned: fc.boolean(),
      divisor: fc.oneof(
        fc.bigInt({ min: -3n, max: 3n }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
      ),
      end: fc.constantFrom(-1n, 0n, 1n),
      step: near,
      rest: fc.bigInt({ min: 0n, max: 2n ** 64n }),
    })
    .map(({ width, isSigned, divisor: drawn, end, step, rest }) => {
      const divisor = cut(drawn, width, isSigned);
      const quotient = end * 2n ** BigInt(isSigned ? width - 1 : width) + BigInt(step);
      const size = divisor < 0n ? -divisor : divisor;
      const remainder = size === 0n ? rest : rest % size;
      const dividend =
        quotient * divisor + (quotient < 0n === divisor < 0n ? remainder : -remainder);
      return { width, isSigned, divisor, dividend: cut(dividend, 2 * width, isSigned) };
    });
}

/** DIV rCX or IDIV rCX, with the dividend in rDX:rAX or AX. */
function programOf({ width, isSigned, dividend, divisor }: Division): Program {
  const prefix = width === 16 ? [0x66] : width === 64 ? [0x48] : [];
  const code = Uint8Array.from([...prefix, width === 8 ? 0xf6 : 0xf7, isSigned ? 0xf9 : 0xf1]);
  const whole = BigInt.asUintN(2 * width, dividend);
  const gpr = Array.from({ length: 16 }, () => 0n);
  gpr[0] = width === 8 ? whole : BigInt.asUintN(width, whole);
  gpr[1] = BigInt.asUintN(64, divisor);
  gpr[2] = width === 8 ? 0n : whole >> BigInt(width);
  return { code, start: { gpr, rflags: 2n }, data: new Uint8Array(64) };
}
