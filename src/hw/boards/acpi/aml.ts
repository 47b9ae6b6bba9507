/**
 * The part of ACPI Machine Language that a board's devices need: ACPI Specification, "ACPI Machine Language (AML)
 * Specification". Every function gives the bytes of one term.
 */

import { assert } from "../../../sim/assert.ts";

export type Aml = readonly number[];

function little(value: number, size: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; bytes.length < size; rest = Math.floor(rest / 0x100))
    bytes.push(rest % 0x100);
  return bytes;
}

/** Everything that follows, and itself. */
function packageLength(size: number): Aml {
  if (size + 1 < 0x40) return [size + 1];
  const bytes = size + 2 < 0x1000 ? 1 : size + 3 < 0x10_0000 ? 2 : 3;
  const whole = size + 1 + bytes;
  return [(bytes << 6) | (whole & 15), ...little(whole >>> 4, bytes)];
}

const block = (opcode: Aml, ...body: readonly Aml[]): Aml => {
  const bytes = body.flat();
  return [...opcode, ...packageLength(bytes.length), ...bytes];
};

const characters = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));

/** A name such as `_HID` or `\_SB.PCI0`; segments are filled up with underscores. */
export function path(name: string): Aml {
  const isRoot = name.startsWith("\\");
  const segments = name.slice(isRoot ? 1 : 0).split(".");
  assert(segments.length <= 2, "names of more than two segments are not needed");
  const bytes = segments.flatMap((segment) => characters(segment.padEnd(4, "_")));
  assert(bytes.length === 4 * segments.length, `${name} has segments of four characters`);
  return [...(isRoot ? [0x5c] : []), ...(segments.length === 2 ? [0x2e] : []), ...bytes];
}

export function integer(value: number): Aml {
  if (value <= 1) return [value];
  if (value < 0x100) return [0x0a, value];
  if (value < 0x1_0000) return [0x0b, ...little(value, 2)];
  return value < 2 ** 32 ? [0x0c, ...little(value, 4)] : [0x0e, ...little(value, 8)];
}

export const text = (value: string): Aml => [0x0d, ...characters(value), 0];

/** A compressed EISA ID, as of `PNP0A03`. */
export function eisaId(id: string): Aml {
  const [a = 0, b = 0, c = 0] = characters(id).map((code) => code - 0x40);
  const vendor = (a << 10) | (b << 5) | c;
  const product = Number.parseInt(id.slice(3), 16);
  return [0x0c, vendor >> 8, vendor & 0xff, product >> 8, product & 0xff];
}

export const name = (of: string, value: Aml): Aml => [0x08, ...path(of), ...value];
export const scope = (of: string, ...terms: readonly Aml[]): Aml =>
  block([0x10], path(of), ...terms);
export const device = (of: string, ...terms: readonly Aml[]): Aml =>
  block([0x5b, 0x82], path(of), ...terms);
export const list = (...elements: readonly Aml[]): Aml =>
  block([0x12], [elements.length], ...elements);
export const method = (of: string, args: number, ...terms: readonly Aml[]): Aml =>
  block([0x14], path(of), [args], ...terms);
export const when = (condition: Aml, ...terms: readonly Aml[]): Aml =>
  block([0xa0], condition, ...terms);
export const store = (value: Aml, into: Aml): Aml => [0x70, ...value, ...into];
export const giveBack = (value: Aml): Aml => [0xa4, ...value];
export const ARG0: Aml = [0x68];

// Resources: ACPI Specification, "Resource Data Types for ACPI"

/** A buffer of resource descriptors and the end tag. */
export function resources(...descriptors: readonly Aml[]): Aml {
  const bytes = [...descriptors.flat(), 0x79, 0];
  return block([0x11], integer(bytes.length), bytes);
}

export const ioPorts = (port: number, size: number): Aml => [
  0x47,
  1,
  ...little(port, 2),
  ...little(port, 2),
  1,
  size,
];

/** An ISA interrupt: edge-triggered, active high. */
export const isaIrq = (irq: number): Aml => [0x22, ...little(1 << irq, 2)];

/** Level-triggered, active high. */
export const levelGsi = (gsi: number): Aml => [0x89, 6, 0, 1, 1, ...little(gsi, 4)];

export const fixedMemory = (address: number, size: number): Aml => [
  0x86,
  9,
  0,
  1,
  ...little(address, 4),
  ...little(size, 4),
];

/** Ranges that a bridge hands down, of which both ends are fixed. */
const FIXED_ENDS = 0x0c;
const SPACES = { memory: 0, io: 1, bus: 2 } as const;
const SPACE_FLAGS = { memory: 1, io: 3, bus: 0 } as const;
const DESCRIPTORS = { 2: [0x88, 0x0d], 4: [0x87, 0x17], 8: [0x8a, 0x2b] } as const;

export function range(
  space: keyof typeof SPACES,
  width: 2 | 4 | 8,
  first: number,
  size: number,
): Aml {
  const fields = [0, first, first + size - 1, 0, size].flatMap((field) => little(field, width));
  const [tag, length] = DESCRIPTORS[width];
  return [tag, length, 0, SPACES[space], FIXED_ENDS, SPACE_FLAGS[space], ...fields];
}
