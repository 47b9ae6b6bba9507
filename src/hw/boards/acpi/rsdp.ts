/** Where the tables are: ACPI Specification, "Root System Description Pointer (RSDP) Structure". */

import { checksum, TableWriter } from "./table.ts";

/** The first checksum is of the part that ACPI 1.0 had. */
export function rsdp(rsdtAddress: number, xsdtAddress: number): Uint8Array {
  const bytes = new TableWriter()
    .text("RSD PTR ")
    .u8(0)
    .text("KVMSIM", 6)
    .u8(2)
    .u32(rsdtAddress)
    .u32(36)
    .u64(xsdtAddress)
    .u8(0)
    .zeros(3)
    .bytes();
  bytes[8] = checksum(bytes.subarray(0, 20));
  bytes[32] = checksum(bytes);
  return bytes;
}
