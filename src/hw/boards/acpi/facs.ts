/** What firmware and system share: ACPI Specification, "Firmware ACPI Control Structure (FACS)". */

import { TableWriter } from "./table.ts";

/** Nothing to share; it has no checksum, and lies at a multiple of 64. */
export const facs = (): Uint8Array =>
  new TableWriter().text("FACS").u32(64).zeros(24).u8(2).zeros(31).bytes();
