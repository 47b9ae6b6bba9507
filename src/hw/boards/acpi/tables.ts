/** All tables of a board, where they lie: ACPI Specification, "ACPI System Description Tables". */

import type { AcpiDescription } from "./description.ts";
import { dsdt } from "./dsdt.ts";
import { facs } from "./facs.ts";
import { fadt } from "./fadt.ts";
import { madt } from "./madt.ts";
import { mcfg } from "./mcfg.ts";
import { rsdp } from "./rsdp.ts";
import { rsdt, xsdt } from "./xsdt.ts";

export interface AcpiTables {
  /** To be put at `address`, in memory that E820 calls `acpi`. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** To be put at a multiple of 16 from E0000h to FFFFFh, or wherever a boot protocol says where it is. */
  readonly rsdp: Uint8Array;
}

const ALIGNMENT = 64;

/** `address` is a multiple of 64 below 4 GiB. */
export function acpiTables(board: AcpiDescription, address: number): AcpiTables {
  const parts: Uint8Array[] = [];
  let end = address;
  const put = (bytes: Uint8Array): number => {
    const at = end;
    const padded = new Uint8Array(Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT);
    padded.set(bytes);
    parts.push(padded);
    end += padded.length;
    return at;
  };
  const facsAddress = put(facs());
  const dsdtAddress = put(dsdt(board));
  const listed = [put(fadt(board, facsAddress, dsdtAddress)), put(madt(board))];
  const { pci } = board;
  if (pci !== null && pci.ecam !== null) listed.push(put(mcfg(pci.ecam, pci.lastBus)));
  const root = rsdp(put(rsdt(listed)), put(xsdt(listed)));
  return { address, bytes: Uint8Array.from(parts.flatMap((part) => Array.from(part))), rsdp: root };
}
