/** Laws of ACPI tables. */

import fc from "fast-check";
import type { AcpiDescription } from "../../../src/hw/boards/acpi/description.ts";
import { acpiFiles } from "../../../src/hw/boards/acpi/loader.ts";
import { acpiTables } from "../../../src/hw/boards/acpi/tables.ts";
import { law } from "../../support/law.ts";

law("every-table-is-found-and-sound", {
  says: "From the root pointer on, every address leads to a table of the expected signature, whose length is that of its bytes and whose bytes sum up to 0, wherever the tables lie and whatever the board has.",
  cites: "ACPI Specification, System Description Table Header",
  forAll: { board: anyBoard(), page: fc.integer({ min: 1, max: 0xf_0000 }) },
  holds: ({ board, page }) => {
    const address = page * 0x1000;
    const { bytes, rsdp } = acpiTables(board, address);
    checkTables(board, address, bytes, rsdp);
  },
});

law("firmware-can-move-the-tables", {
  says: "Wherever firmware allocates the files, its script leaves tables that are found and sound there.",
  cites: "QEMU manual, QEMU Firmware Configuration (fw_cfg) Device",
  forAll: { board: anyBoard(), page: fc.integer({ min: 1, max: 0xf_0000 }) },
  runs: 40,
  holds: ({ board, page }) => {
    const address = page * 0x1000;
    const files = new Map(Object.entries(acpiFiles(board)));
    const script = files.get("etc/table-loader") ?? new Uint8Array(0);
    const placed = new Map<string, number>();
    for (let at = 0; at < script.length; at += 128) execute(script, at, files, placed, address);
    const [tables, rsdp] = ["etc/acpi/tables", "etc/acpi/rsdp"].map((name) => files.get(name));
    if (tables === undefined || rsdp === undefined) throw new Error("a file is missing");
    checkTables(board, address, tables, rsdp);
  },
});

law("the-definition-block-nests", {
  says: "Devices, scopes and methods of the DSDT end exactly where their packages say, one within the other, up to the end of the table.",
  cites: "ACPI Specification, AML Package Length Encoding",
  forAll: { board: anyBoard() },
  holds: ({ board }) => {
    const { bytes } = acpiTables(board, 0);
    // The DSDT is behind the FACS.
    const length = new DataView(bytes.buffer).getUint32(64 + 4, true);
    return endOfTerms(bytes, 64 + 36, 64 + length) === 64 + length;
  },
});

// Helpers

function anyBoard(): fc.Arbitrary<AcpiDescription> {
  const range = fc.record({
    address: fc.constantFrom(0xc000_0000, 0x8_0000_0000),
    size: fc.constantFrom(0x1000_0000, 0x2000_0000),
  });
  const route = fc.record({ device: fc.nat(31), pin: fc.nat(3), gsi: fc.nat(300) });
  const pci = fc.record({
    lastBus: fc.nat(255),
    ecam: fc.constantFrom(null, 0xb000_0000, 0x10_0000_0000),
    memory: fc.array(range, { maxLength: 3 }),
    routes: fc.array(route, { maxLength: 130, size: "max" }),
  });
  return fc.record({
    apicIds: fc.array(fc.nat(400), { minLength: 1, maxLength: 40, size: "max" }),
    lapicAddress: fc.constant(0xfee0_0000),
    ioapics: fc.array(fc.constant({ id: 0, address: 0xfec0_0000, gsiBase: 0 }), { maxLength: 2 }),
    overrides: fc.array(
      fc.record({
        irq: fc.nat(15),
        gsi: fc.nat(23),
        polarity: fc.constantFrom("bus", "high", "low"),
        trigger: fc.constantFrom("bus", "edge", "level"),
      }),
      { maxLength: 4 },
    ),
    hasPics: fc.boolean(),
    pm: fc.constant({ event: 0x600, control: 0x604, timer: 0x608, sci: 9 }),
    isReduced: fc.boolean(),
    reset: fc.constantFrom(null, { port: 0xcf9, value: 6 }),
    pci: fc.option(pci),
    serial: fc.array(fc.record({ port: fc.nat(0xfff8), irq: fc.nat(15) }), { maxLength: 4 }),
    hasRtc: fc.boolean(),
    hasKeyboard: fc.boolean(),
    virtioMmio: fc.array(
      fc.record({ address: fc.constant(0xfeb0_0000), size: fc.constant(512), gsi: fc.nat(200) }),
      { maxLength: 33, size: "max" },
    ),
  });
}

/** Walks from the root pointer to every table. */
function checkTables(
  board: AcpiDescription,
  address: number,
  bytes: Uint8Array,
  rsdp: Uint8Array,
): void {
  const root = new DataView(rsdp.buffer);
  if (textOf(rsdp, 0, 8) !== "RSD PTR " || sum(rsdp.slice(0, 20)) !== 0 || sum(rsdp) !== 0)
    throw new Error("the root pointer is wrong");
  const find = (at: number, signature: string): DataView => {
    const start = at - address;
    if (start % 64 !== 0 || textOf(bytes, start, 4) !== signature)
      throw new Error(`no ${signature} at ${at.toString(16)}`);
    const length = new DataView(bytes.buffer).getUint32(start + 4, true);
    const table = bytes.slice(start, start + length);
    if (table.length !== length) throw new Error(`${signature} has not its length`);
    if (signature !== "FACS" && sum(table) !== 0) throw new Error(`${signature} has a wrong sum`);
    return new DataView(table.buffer);
  };
  const xsdt = find(Number(root.getBigUint64(24, true)), "XSDT");
  const rsdt = find(root.getUint32(16, true), "RSDT");
  const hasEcam = board.pci !== null && board.pci.ecam !== null;
  const expected = ["FACP", "APIC", ...(hasEcam ? ["MCFG"] : [])];
  if (xsdt.byteLength !== 36 + 8 * expected.length || rsdt.byteLength !== 36 + 4 * expected.length)
    throw new Error("not all tables are listed");
  for (const [i, signature] of expected.entries()) {
    const table = find(Number(xsdt.getBigUint64(36 + 8 * i, true)), signature);
    find(rsdt.getUint32(36 + 4 * i, true), signature);
    if (signature !== "FACP") continue;
    find(table.getUint32(40, true), "DSDT");
    find(Number(table.getBigUint64(140, true)), "DSDT");
    if (!board.isReduced) find(table.getUint32(36, true), "FACS");
  }
}

/** One command of 128 bytes: allocate, add an address, add a checksum. */
function execute(
  script: Uint8Array,
  at: number,
  files: Map<string, Uint8Array>,
  placed: Map<string, number>,
  address: number,
): void {
  const view = new DataView(script.buffer, script.byteOffset + at, 128);
  const nameAt = (offset: number): string => textOf(script, at + offset, 56).replace(/\0.*$/, "");
  const name = nameAt(4);
  const file = files.get(name);
  if (file === undefined) throw new Error(`no file ${name}`);
  const bytes = new DataView(file.buffer, file.byteOffset);
  const command = view.getUint32(0, true);
  if (command === 1) {
    placed.set(name, name.endsWith("tables") ? address : 0xf_0000);
  } else if (command === 2) {
    const base = placed.get(nameAt(60));
    if (base === undefined) throw new Error(`${nameAt(60)} has no place`);
    const field = view.getUint32(116, true);
    if (view.getUint8(120) === 4) bytes.setUint32(field, bytes.getUint32(field, true) + base, true);
    else bytes.setBigUint64(field, bytes.getBigUint64(field, true) + BigInt(base), true);
  } else {
    const [field, start, size] = [60, 64, 68].map((offset) => view.getUint32(offset, true));
    const part = file.subarray(start ?? 0, (start ?? 0) + (size ?? 0));
    file[field ?? 0] = (file[field ?? 0] ?? 0) - sum(part);
  }
}

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;
const textOf = (bytes: Uint8Array, at: number, size: number): string =>
  String.fromCharCode(...bytes.slice(at, at + size));

/** Walks over terms of the opcodes that boards use, by the grammar of the specification; where they end. */
function endOfTerms(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) at = endOfTerm(bytes, at);
  return at;
}

function endOfTerm(bytes: Uint8Array, at: number): number {
  const opcode = bytes[at] ?? 0;
  switch (opcode) {
    case 0:
    case 1:
    case 0x68:
      return at + 1;
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0e:
      return at + 1 + ({ 0x0a: 1, 0x0b: 2, 0x0c: 4, 0x0e: 8 }[opcode] ?? 0);
    case 0x0d:
      return bytes.indexOf(0, at) + 1;
    case 0x08:
      return endOfTerm(bytes, endOfName(bytes, at + 1));
    case 0x70:
      return endOfTerm(bytes, endOfTerm(bytes, at + 1));
    case 0xa4:
      return endOfTerm(bytes, at + 1);
    case 0x10:
      return endOfPackage(bytes, at + 1, (start) => endOfName(bytes, start));
    case 0x11:
      return endOfPackage(bytes, at + 1, null);
    case 0x12:
      return endOfPackage(bytes, at + 1, (start) => start + 1);
    case 0x14:
      return endOfPackage(bytes, at + 1, (start) => endOfName(bytes, start) + 1);
    case 0x5b:
      return endOfPackage(bytes, at + 2, (start) => endOfName(bytes, start));
    case 0xa0:
      return endOfPackage(bytes, at + 1, (start) => endOfTerm(bytes, start));
    default:
      return endOfName(bytes, at);
  }
}

function endOfName(bytes: Uint8Array, at: number): number {
  const start = bytes[at] === 0x5c ? at + 1 : at;
  const [first, end] = bytes[start] === 0x2e ? [start + 1, start + 9] : [start, start + 4];
  if (!/^[A-Z_][A-Z_0-9]{3}([A-Z_][A-Z_0-9]{3})?$/.test(textOf(bytes, first, end - first)))
    throw new Error(`no name at ${at}`);
  return end;
}

/** What is inside must end where the package does; of a buffer nothing is looked at. */
function endOfPackage(
  bytes: Uint8Array,
  at: number,
  head: ((start: number) => number) | null,
): number {
  const lead = bytes[at] ?? 0;
  const count = lead >> 6;
  let length = count === 0 ? lead : lead & 15;
  for (let i = 0; i < count; i += 1) length |= (bytes[at + 1 + i] ?? 0) << (4 + 8 * i);
  const end = at + length;
  if (head !== null && endOfTerms(bytes, head(at + 1 + count), end) !== end)
    throw new Error(`the package at ${at} does not end at ${end}`);
  return end;
}
