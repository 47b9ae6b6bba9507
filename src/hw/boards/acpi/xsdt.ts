/**
 * Lists of tables: ACPI Specification, "Extended System Description Table (XSDT)", and "Root System Description Table
 * (RSDT)" for those who know no other.
 */

import { table } from "./table.ts";

export const xsdt = (addresses: readonly number[]): Uint8Array =>
  table("XSDT", 1, (body) => body.u64(...addresses));

export const rsdt = (addresses: readonly number[]): Uint8Array =>
  table("RSDT", 1, (body) => body.u32(...addresses));
