/** Changes of single fields of a control block, drawn so that most of them are near the border of what is valid. */

import fc from "fast-check";
import { type FieldName, FIELDS } from "../../src/hw/cpu/vmx/fields.ts";
import type { VmxMachine } from "./vmx-machines.ts";

export function anyCanonical(): fc.Arbitrary<bigint> {
  return fc
    .bigInt({ min: -(2n ** 47n), max: 2n ** 47n - 1n })
    .map((value) => BigInt.asUintN(64, value));
}

interface Change {
  readonly field: FieldName;
  readonly how: "flip" | "set" | "page";
  readonly amount: number;
  readonly value: bigint;
}

/** Fields that decide about an entry; counts of areas come with an area that may be read. */
const CHANGED: readonly FieldName[] = FIELDS.filter(
  ({ type, name }) => type !== "read-only data" && !/MSR-(load|store) count/.test(name),
).map(({ name }) => name);

const LIKELY: readonly FieldName[] = [
  "Pin-based VM-execution controls",
  "Primary processor-based VM-execution controls",
  "Secondary processor-based VM-execution controls",
  "VM-entry controls",
  "VM-entry interruption-information field",
  "Guest interruptibility state",
  "Guest activity state",
  "Guest RFLAGS",
  "Guest CS access rights",
  "Guest SS access rights",
];

export function anyChange(): fc.Arbitrary<Change> {
  return fc.oneof({ weight: 1, arbitrary: anyOfAll() }, { weight: 1, arbitrary: anyOfDelicate() });
}

/** Single bits on which others depend. */
function anyOfDelicate(): fc.Arbitrary<Change> {
  const flips: readonly (readonly [FieldName, number])[] = [
    ["Guest RFLAGS", 8],
    ["Guest RFLAGS", 9],
    ["Guest RFLAGS", 17],
    ["Guest activity state", 0],
    ["Guest interruptibility state", 0],
    ["Guest interruptibility state", 1],
    ["Guest CR0", 0],
    ["Guest CR0", 31],
    ["Guest CR4", 5],
    ["Guest SS selector", 0],
    ["Guest LDTR access rights", 16],
    ["VM-entry controls", 9],
    ["VM-entry controls", 15],
    ["Secondary processor-based VM-execution controls", 7],
  ];
  return fc
    .constantFrom(...flips)
    .map(([field, amount]) => ({ field, how: "flip", amount, value: 0n }));
}

function anyOfAll(): fc.Arbitrary<Change> {
  return fc.record({
    field: fc.oneof(fc.constantFrom(...CHANGED), fc.constantFrom(...LIKELY)),
    how: fc.constantFrom("flip", "flip", "flip", "set", "page"),
    amount: fc.nat(63),
    value: fc.oneof(
      fc.constantFrom(0n, 1n, 2n, 3n, 4n, 0x8000_0000n, 0x8000_0202n, 0x8000_0b0en, 2n ** 64n - 1n),
      anyCanonical(),
      anyInformation(),
    ),
  });
}

/** In the format of interruption information: mostly of events that exist. */
function anyInformation(): fc.Arbitrary<bigint> {
  return fc
    .record({
      vector: fc.nat(33),
      type: fc.nat(7),
      code: fc.boolean(),
      junk: fc.constantFrom(0n, 0n, 0n, 0x1000n),
    })
    .map(
      ({ vector, type, code, junk }) =>
        0x8000_0000n | BigInt(vector) | (BigInt(type) << 8n) | (code ? 0x800n : 0n) | junk,
    );
}

const WIDTHS = { "16-bit": 16, "32-bit": 32, "64-bit": 64, "natural-width": 64 } as const;

export function applyChange(machine: VmxMachine, { field, how, amount, value }: Change): void {
  const width = WIDTHS[FIELDS.find(({ name }) => name === field)?.width ?? "32-bit"];
  const old = machine.read(field);
  if (how === "flip") machine.write(field, old ^ (1n << BigInt(amount % width)));
  else if (how === "set") machine.write(field, BigInt.asUintN(width, value));
  else machine.write(field, BigInt.asUintN(width, BigInt(amount) << 12n));
}
