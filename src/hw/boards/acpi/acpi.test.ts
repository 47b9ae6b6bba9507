import { describe, expect, test } from "vitest";
import { eisaId, integer, list, path, resources } from "./aml.ts";
import type { AcpiDescription } from "./description.ts";
import { dsdt } from "./dsdt.ts";
import { e820 } from "./e820.ts";
import { fadt } from "./fadt.ts";
import { madt } from "./madt.ts";
import { mcfg } from "./mcfg.ts";

const PC: AcpiDescription = {
  apicIds: [0, 1, 300],
  lapicAddress: 0xfee0_0000,
  ioapics: [{ id: 2, address: 0xfec0_0000, gsiBase: 0 }],
  overrides: [
    { irq: 0, gsi: 2, polarity: "bus", trigger: "bus" },
    { irq: 9, gsi: 9, polarity: "high", trigger: "level" },
  ],
  hasPics: true,
  pm: { event: 0x600, control: 0x604, timer: 0x608, sci: 9 },
  isReduced: false,
  reset: { port: 0xcf9, value: 6 },
  pci: {
    lastBus: 255,
    ecam: 0xb000_0000,
    memory: [{ address: 0xc000_0000, size: 0x1000_0000 }],
    routes: [{ device: 3, pin: 1, gsi: 17 }],
  },
  serial: [{ port: 0x3f8, irq: 4 }],
  hasRtc: true,
  hasKeyboard: true,
  virtioMmio: [],
};

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset);
const gas = (bytes: Uint8Array, at: number): unknown[] => [
  ...bytes.slice(at, at + 4),
  Number(view(bytes).getBigUint64(at + 4, true)),
];
const includes = (bytes: Uint8Array, part: readonly number[]): boolean =>
  Array.from(bytes.keys()).some((i) => part.every((byte, j) => bytes[i + j] === byte));

describe("FADT", () => {
  test("fixed hardware, at the offsets of the specification", () => {
    const bytes = fadt(PC, 0x1000, 0x2000);
    const table = view(bytes);
    expect(bytes.length).toBe(276);
    expect([table.getUint32(36, true), table.getUint32(40, true)]).toEqual([0x1000, 0x2000]);
    expect([table.getUint16(46, true), table.getUint32(48, true)]).toEqual([9, 0]);
    expect([56, 64, 76].map((at) => table.getUint32(at, true))).toEqual([0x600, 0x604, 0x608]);
    expect([88, 89, 90, 91, 92].map((at) => bytes[at])).toEqual([4, 2, 0, 4, 0]);
    expect([bytes[108], table.getUint16(109, true)]).toEqual([0x32, 7]);
    expect(table.getUint32(112, true) & (1 << 20)).toBe(0);
    expect([gas(bytes, 116), bytes[128]]).toEqual([[1, 8, 0, 1, 0xcf9], 6]);
    expect(gas(bytes, 148)).toEqual([1, 32, 0, 3, 0x600]);
    expect(gas(bytes, 172)).toEqual([1, 16, 0, 2, 0x604]);
    expect(gas(bytes, 208)).toEqual([1, 32, 0, 3, 0x608]);
    expect(gas(bytes, 244)).toEqual([0, 0, 0, 0, 0]);
  });

  test("reduced, it has sleep registers instead of blocks", () => {
    const bytes = fadt({ ...PC, isReduced: true, hasPics: false, hasRtc: false }, 0x1000, 0x2000);
    const table = view(bytes);
    expect([36, 46, 56, 64, 76].map((at) => table.getUint16(at, true))).toEqual([0, 0, 0, 0, 0]);
    expect(table.getUint32(112, true) & (1 << 20)).toBe(1 << 20);
    expect(table.getUint16(109, true)).toBe(0x26);
    expect([gas(bytes, 244), gas(bytes, 256)]).toEqual([
      [1, 8, 0, 1, 0x605],
      [1, 8, 0, 1, 0x601],
    ]);
  });
});

test("MADT: an entry each for CPUs, I/O APICs, overrides and NMI", () => {
  const bytes = madt(PC);
  expect([view(bytes).getUint32(36, true), bytes[40]]).toEqual([0xfee0_0000, 1]);
  const entries: string[] = [];
  for (let at = 44, next = at; at < bytes.length; at = next) {
    next = at + view(bytes).getUint8(at + 1);
    entries.push(bytes.slice(at, next).join(" "));
  }
  expect(entries).toEqual([
    "0 8 0 0 1 0 0 0",
    "0 8 1 1 1 0 0 0",
    "9 16 0 0 44 1 0 0 1 0 0 0 2 0 0 0",
    "1 12 2 0 0 0 192 254 0 0 0 0",
    "2 10 0 0 2 0 0 0 0 0",
    "2 10 0 9 9 0 0 0 13 0",
    "4 6 255 0 0 1",
    "10 12 0 0 255 255 255 255 1 0 0 0",
  ]);
});

test("MCFG: one range of buses", () => {
  const bytes = mcfg(0xb000_0000, 255);
  expect(bytes.length).toBe(60);
  expect(Array.from(bytes.subarray(44, 56))).toEqual([0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255]);
});

test("E820: 20 bytes an entry", () => {
  const map = e820([{ address: 0x1_0000_0000, size: 0x4000, type: "acpi" }]);
  expect([...map]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
});

describe("AML", () => {
  test("names, integers and EISA IDs", () => {
    expect(path("\\_SB.PCI0")).toEqual([0x5c, 0x2e, ...bytesOf("_SB_PCI0")]);
    expect(path("_S5")).toEqual(bytesOf("_S5_"));
    expect([0, 1, 2, 0x100, 0x1_0000, 2 ** 32].map((value) => integer(value))).toEqual([
      [0],
      [1],
      [0x0a, 2],
      [0x0b, 0, 1],
      [0x0c, 0, 0, 1, 0],
      [0x0e, 0, 0, 0, 0, 1, 0, 0, 0],
    ]);
    expect(eisaId("PNP0A03")).toEqual([0x0c, 0x41, 0xd0, 0x0a, 0x03]);
  });

  test.each([1, 61, 62, 63, 4092, 4093, 4094, 70_000])("a package length of %i bytes", (size) => {
    const term = list(Array.from({ length: size - 1 }, () => 0));
    const [opcode, lead = 0, ...rest] = term;
    const count = lead >> 6;
    let length = count === 0 ? lead : lead & 15;
    for (let i = 0; i < count; i += 1) length += (rest[i] ?? 0) << (4 + 8 * i);
    expect([opcode, length]).toEqual([0x12, term.length - 1]);
  });

  test("resources end with their tag", () => {
    expect(resources([0x22, 0x10, 0])).toEqual([0x11, 8, 0x0a, 5, 0x22, 0x10, 0, 0x79, 0]);
  });
});

test("DSDT: S5, the routes of PCI, and devices in fixed places", () => {
  const bytes = dsdt(PC);
  expect(includes(bytes, [...bytesOf("_S5_"), 0x12, 8, 4, 0x0a, 5, 0x0a, 5, 0, 0])).toBe(true);
  const route = [0x0c, 0xff, 0xff, 3, 0, 1, 0, 0x0a, 17];
  expect(includes(bytes, route)).toBe(true);
  expect(includes(bytes, [0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0])).toBe(true);
  expect(includes(bytes, [0x86, 9, 0, 1, 0, 0, 0, 0xb0, 0, 0, 0, 0x10])).toBe(true);
});

function bytesOf(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}
