/**
 * The tables as files of the firmware configuration device, with a script by which firmware puts them where it wants: QEMU
 * manual, "QEMU Firmware Configuration (fw_cfg) Device"; the script's commands are those that SeaBIOS and OVMF execute.
 */

import type { AcpiDescription } from "./description.ts";
import { TableWriter } from "./table.ts";
import { acpiTables } from "./tables.ts";

const [TABLES, RSDP] = ["etc/acpi/tables", "etc/acpi/rsdp"] as const;
const COMMAND_SIZE = 128;
const NAME_SIZE = 56;

const [ALLOCATE, ADD_POINTER, ADD_CHECKSUM] = [1, 2, 3] as const;
/** Where to allocate: anywhere below 4 GiB, or where the root pointer is looked for. */
const [HIGH, F_SEGMENT] = [1, 2] as const;

/** What the header and the root pointer have at these offsets. */
const CHECKSUM_AT = 9;
const RSDP_SUMS = [
  { at: 8, size: 20 },
  { at: 32, size: 36 },
] as const;

/** Addresses in the tables are offsets until firmware adds where they are. */
export function acpiFiles(board: AcpiDescription): Readonly<Record<string, Uint8Array>> {
  const { bytes, rsdp, pointers, moved } = acpiTables(board, 0);
  const script = [
    allocate(TABLES, 64, HIGH),
    allocate(RSDP, 16, F_SEGMENT),
    ...pointers.map(({ at, size }) => addPointer(TABLES, at, size)),
    ...moved.map(({ at, size }) => addChecksum(TABLES, at + CHECKSUM_AT, at, size)),
    addPointer(RSDP, 16, 4),
    addPointer(RSDP, 24, 8),
    ...RSDP_SUMS.map(({ at, size }) => addChecksum(RSDP, at, 0, size)),
  ];
  const commands = new TableWriter();
  for (const each of script) commands.u8(...each);
  return { [TABLES]: bytes, [RSDP]: rsdp, "etc/table-loader": commands.bytes() };
}

function command(number: number, write: (command: TableWriter) => void): Uint8Array {
  const bytes = new TableWriter().u32(number);
  write(bytes);
  return bytes.zeros(COMMAND_SIZE - bytes.size).bytes();
}

const allocate = (file: string, alignment: number, zone: number): Uint8Array =>
  command(ALLOCATE, (bytes) => bytes.text(file, NAME_SIZE).u32(alignment).u8(zone));

/** Adds the address of the tables. */
const addPointer = (file: string, at: number, size: number): Uint8Array =>
  command(ADD_POINTER, (bytes) =>
    bytes.text(file, NAME_SIZE).text(TABLES, NAME_SIZE).u32(at).u8(size),
  );

const addChecksum = (file: string, at: number, start: number, size: number): Uint8Array =>
  command(ADD_CHECKSUM, (bytes) => bytes.text(file, NAME_SIZE).u32(at, start, size));
