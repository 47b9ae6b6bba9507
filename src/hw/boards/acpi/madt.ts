/** CPUs and interrupt controllers: ACPI Specification, "Multiple APIC Description Table (MADT)". */

import type { AcpiDescription, IrqOverride } from "./description.ts";
import { table } from "./table.ts";

const PCAT_COMPAT = 1;
const ENABLED = 1;
const ALL_PROCESSORS = 0xff;
const ALL_UIDS = 0xffff_ffff;

/** From 255 on an APIC ID needs an entry of an x2APIC. */
export function madt(board: AcpiDescription): Uint8Array {
  const { apicIds, lapicAddress, ioapics, overrides, hasPics } = board;
  return table("APIC", 4, (body) => {
    body.u32(lapicAddress, hasPics ? PCAT_COMPAT : 0);
    for (const [uid, id] of apicIds.entries()) {
      if (id < 0xff) body.u8(0, 8, uid, id).u32(ENABLED);
      else body.u8(9, 16).u16(0).u32(id, ENABLED, uid);
    }
    for (const { id, address, gsiBase } of ioapics) body.u8(1, 12, id, 0).u32(address, gsiBase);
    for (const each of overrides) {
      body.u8(2, 10, 0, each.irq).u32(each.gsi).u16(signalling(each));
    }
    // NMI is LINT1 of all.
    body.u8(4, 6, ALL_PROCESSORS).u16(0).u8(1);
    if (apicIds.some((id) => id >= 0xff)) body.u8(0xa, 12).u16(0).u32(ALL_UIDS).u8(1).zeros(3);
  });
}

const POLARITY = { bus: 0, high: 1, low: 3 } as const;
const TRIGGER = { bus: 0, edge: 4, level: 12 } as const;

const signalling = ({ polarity, trigger }: IrqOverride): number =>
  POLARITY[polarity] | TRIGGER[trigger];
