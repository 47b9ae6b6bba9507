/** All tables of a board, where they lie: ACPI Specification, "ACPI System Description Tables". */

import type { AcpiDescription } from "./description.ts";
import { dsdt } from "./dsdt.ts";
import { facs } from "./facs.ts";
import { fadt } from "./fadt.ts";
import { madt } from "./madt.ts";
import { mcfg } from "./mcfg.ts";
import { rsdp } from "./rsdp.ts";
import { rsdt, xsdt } from "./xsdt.ts";

/** An address of a table, written somewhere in the bytes. */
export interface TablePointer {
  readonly at: number;
  readonly size: 4 | 8;
}

export interface AcpiTables {
  /** To be put at `address`, in memory that no operating system takes for its own. */
  readonly bytes: Uint8Array;
  readonly address: number;
  /** To be put at a multiple of 16 from E0000h to FFFFFh, or wherever a boot protocol says where it is. */
  readonly rsdp: Uint8Array;
  /** Within `bytes`: what changes when the tables are moved. */
  readonly pointers: readonly TablePointer[];
  /** Tables with pointers, whose checksums change with them. */
  readonly moved: readonly { readonly at: number; readonly size: number }[];
}

const ALIGNMENT = 64;
const HEADER_SIZE = 36;
const [FADT_FACS, FADT_DSDT, FADT_X_DSDT] = [36, 40, 140] as const;

/** `address` is a multiple of 64 below 4 GiB. */
export function acpiTables(board: AcpiDescription, address: number): AcpiTables {
  const parts: Uint8Array[] = [];
  const pointers: TablePointer[] = [];
  const moved: { at: number; size: number }[] = [];
  let end = 0;
  const put = (bytes: Uint8Array): number => {
    const at = end;
    const padded = new Uint8Array(Math.ceil(bytes.length / ALIGNMENT) * ALIGNMENT);
    padded.set(bytes);
    parts.push(padded);
    end += padded.length;
    return address + at;
  };
  const putMoved = (bytes: Uint8Array, fields: readonly TablePointer[]): number => {
    pointers.push(...fields.map(({ at, size }) => ({ at: end + at, size })));
    moved.push({ at: end, size: bytes.length });
    return put(bytes);
  };
  const facsAddress = put(facs());
  const dsdtAddress = put(dsdt(board));
  const listed = [
    putMoved(fadt(board, facsAddress, dsdtAddress), fadtPointers(board)),
    put(madt(board)),
  ];
  const { pci } = board;
  if (pci !== null && pci.ecam !== null) listed.push(put(mcfg(pci.ecam, pci.lastBus)));
  const entries = (size: 4 | 8): readonly TablePointer[] =>
    [...listed.keys()].map((i) => ({ at: HEADER_SIZE + i * size, size }));
  const root = rsdp(putMoved(rsdt(listed), entries(4)), putMoved(xsdt(listed), entries(8)));
  const bytes = Uint8Array.from(parts.flatMap((part) => Array.from(part)));
  return { address, bytes, rsdp: root, pointers, moved };
}

const fadtPointers = ({ isReduced }: AcpiDescription): readonly TablePointer[] => [
  ...(isReduced ? [] : [{ at: FADT_FACS, size: 4 as const }]),
  { at: FADT_DSDT, size: 4 },
  { at: FADT_X_DSDT, size: 8 },
];
