/** Every chip, one line each; the laws of chips hold for what is listed here (docs/adr/0005-laws-as-data.md). */

import { acpiPmTimer } from "./acpi-pm-timer.ts";
import type { Chip } from "./chip.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
import { ioapic } from "./ioapic.ts";
import { lapic } from "./lapic.ts";
import { ns16550a } from "./ns16550a.ts";
import { i440fx } from "./pci/i440fx.ts";
import { piix3 } from "./pci/piix3.ts";

// biome-ignore format: one line each, so that additions do not meet.
export const CHIPS: readonly Chip[] = [
  acpiPmTimer,
  i8254,
  i8259,
  ioapic,
  lapic,
  ns16550a,
  // PCI
  i440fx,
  piix3,
];
