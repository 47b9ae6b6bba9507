/** What ACPI tells of every board with the AT's chips: ACPI Specification, "ACPI System Description Tables"; see places.ts. */

import type { AcpiDescription } from "./acpi/description.ts";
import { PLACES } from "./places.ts";

export const isaAcpi = (cpus: number): AcpiDescription => ({
  apicIds: Array.from({ length: cpus }, (_, i) => i),
  lapicAddress: PLACES.lapic,
  ioapics: [{ id: 0, address: PLACES.ioapic, gsiBase: 0 }],
  overrides: [
    { irq: 0, gsi: 2, polarity: "bus", trigger: "bus" },
    { irq: PLACES.sci, gsi: PLACES.sci, polarity: "high", trigger: "level" },
  ],
  hasPics: true,
  pm: { event: PLACES.pm1, control: PLACES.pm1 + 4, timer: PLACES.pmTimer, sci: PLACES.sci },
  isReduced: false,
  reset: { port: PLACES.reset, value: 6 },
  pci: null,
  serial: [{ port: 0x3f8, irq: 4 }],
  hasRtc: true,
  hasKeyboard: true,
  virtioMmio: [],
});
