/** What ACPI tells of the PC: ACPI Specification, "ACPI System Description Tables"; the places are those of places.ts. */

import { pirqOf } from "../chips/pci/bus.ts";
import type { AcpiDescription, PciRoute } from "./acpi/description.ts";
import { isaAcpi } from "./isa-acpi.ts";
import { PLACES } from "./places.ts";

const LAST_BUS = 255;
const DEVICES = 32;
const PINS = 4;
/** Below it lie the registers of the APICs. */
const WINDOW_END = PLACES.ioapic;

/** With hard-wired routes: each PIRQ has a pin of the I/O APIC, and a line that firmware gives it on the i8259s. */
export function pcAcpi(cpus: number): AcpiDescription {
  const windowStart = PLACES.ecam + (LAST_BUS + 1) * 0x10_0000;
  return {
    ...isaAcpi(cpus),
    pci: {
      lastBus: LAST_BUS,
      ecam: PLACES.ecam,
      memory: [{ address: windowStart, size: WINDOW_END - windowStart }],
      routes: routes((pirq) => PLACES.firstPirqPin + pirq),
      picRoutes: routes((pirq) => PLACES.pirqs[pirq] ?? 0),
    },
  };
}

function routes(gsiOf: (pirq: number) => number): readonly PciRoute[] {
  const all: PciRoute[] = [];
  for (let device = 0; device < DEVICES; device += 1) {
    for (let pin = 0; pin < PINS; pin += 1)
      all.push({ device, pin, gsi: gsiOf(pirqOf(device, pin + 1)) });
  }
  return all;
}
