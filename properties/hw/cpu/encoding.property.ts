/** Laws of encodings: encoder and decoder come from one table and undo each other. */

import fc from "fast-check";
import type { CodeSize, Decoded, MemoryOperand } from "../../../src/hw/cpu/decode.ts";
import { encode } from "../../../src/hw/cpu/encode.ts";
import type { SegmentName } from "../../../src/hw/cpu/uop.ts";
import { law } from "../../support/law.ts";
import { decoder } from "../../support/programs.ts";

law("what-is-encoded-decodes-to-itself", {
  says: "An instruction decoded from any bytes, encoded and decoded again, is the same instruction, in no more bytes.",
  cites: "SDM Vol. 2, Instruction Format",
  forAll: {
    bytes: fc.tuple(
      fc.array(fc.constantFrom(0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65), {
        maxLength: 2,
      }),
      fc.option(fc.integer({ min: 0x40, max: 0x4f }), { nil: null }),
      fc.option(fc.constant(0x0f), { nil: null }),
      fc.uint8Array({ minLength: 13, maxLength: 13 }),
    ),
    code: fc.constantFrom<CodeSize>(16, 32, 64),
  },
  runs: 5000,
  holds: ({ bytes: [prefixes, rex, escape, rest], code }) => {
    const bytes = Uint8Array.from([
      ...prefixes,
      ...(rex === null ? [] : [rex]),
      ...(escape === null ? [] : [escape]),
      ...rest,
    ]);
    const first = decoder.decode(bytes, code);
    if (typeof first === "string") return true;
    const override = overrideOf(first, bytes, code);
    const again = encode({ ...first, override }, code);
    const second = decoder.decode(again, code);
    if (typeof second === "string")
      throw new Error(`${first.form.row[0]}: ${hex(again)} does not decode: ${second}`);
    if (describe(first) !== describe(second))
      throw new Error(`${hex(again)}: ${describe(first)}, then ${describe(second)}`);
    return second.length === again.length && again.length <= first.length;
  },
});

law("an-address-encodes-to-itself", {
  says: "Every address that 64-bit code can name, with every displacement of 32 bits, decodes to itself.",
  cites: "SDM Vol. 2, ModR/M and SIB Bytes; 64-bit Mode SIB Byte Encodings",
  forAll: { memory: anyAddress() },
  runs: 1000,
  holds: ({ memory }) => {
    // ADD r/m32, r32
    const model = decoder.decode(Uint8Array.of(0x01, 0x00), 64);
    if (typeof model === "string") return false;
    const operands = [{ is: "memory", memory } as const, ...model.operands.slice(1)];
    const again = decoder.decode(encode({ ...model, operands, override: null }, 64), 64);
    return (
      typeof again === "object" &&
      describe({ ...again, segment: "DS" }) === describe({ ...model, operands })
    );
  },
});

// Helpers

function anyAddress(): fc.Arbitrary<MemoryOperand> {
  const displacement = fc.oneof(
    fc.constantFrom(-(2n ** 31n), -129n, -128n, -1n, 0n, 1n, 127n, 128n, 2n ** 31n - 1n),
    fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n }),
  );
  const indexed = fc.record({
    base: fc.option(fc.nat(15), { nil: null }),
    index: fc.nat(15).filter((index) => index !== 4),
    scale: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    displacement,
  });
  const plain = fc.record({
    base: fc.oneof(fc.nat(15), fc.constantFrom("rip" as const, null)),
    index: fc.constant(null),
    scale: fc.constant(1 as const),
    displacement,
  });
  return fc.oneof(indexed, plain);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function describe({
  form,
  operands,
  operandSize,
  addressSize,
  repeat,
  lock,
  segment,
}: Decoded): string {
  const values = JSON.stringify(operands, (_key, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return `${form.mnemonic} ${form.row[0]} ${form.row[1]} ${form.operandSize === null ? 0 : operandSize} ${addressSize} ${repeat} ${lock} ${segment} ${values}`;
}

const OVERRIDES: ReadonlyMap<number, SegmentName> = new Map([
  [0x26, "ES"],
  [0x2e, "CS"],
  [0x36, "SS"],
  [0x3e, "DS"],
  [0x64, "FS"],
  [0x65, "GS"],
]);

/** The override that the bytes carried, if it means anything. */
function overrideOf({ segment }: Decoded, bytes: Uint8Array, code: CodeSize): SegmentName | null {
  if (code === 64) return segment === "FS" || segment === "GS" ? segment : null;
  const end = bytes.findIndex((byte) => !OVERRIDES.has(byte) && !OTHER_PREFIXES.has(byte));
  return bytes.subarray(0, end).some((byte) => OVERRIDES.get(byte) === segment) ? segment : null;
}

const OTHER_PREFIXES: ReadonlySet<number> = new Set([0x66, 0x67, 0xf0, 0xf2, 0xf3]);
