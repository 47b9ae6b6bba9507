/** Every chip, one line each; the laws of chips hold for what is listed here (docs/adr/0005-laws-as-data.md). */

import { acpiPm1 } from "./acpi-pm1.ts";
import { acpiPmTimer } from "./acpi-pm-timer.ts";
import type { Chip } from "./chip.ts";
import { debugConsole, debugExit } from "./debug-ports.ts";
import { DiskImage } from "./disk-image.ts";
import { fwCfg } from "./fw-cfg.ts";
import { fwCfgItems } from "./fw-cfg-items.ts";
import { i8042 } from "./i8042.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";
import { ioapic } from "./ioapic.ts";
import { lapic } from "./lapic.ts";
import { mc146818 } from "./mc146818.ts";
import { ns16550a } from "./ns16550a.ts";
import { i440fx } from "./pci/i440fx.ts";
import { piix3 } from "./pci/piix3.ts";
import { pcTestdev } from "./pc-testdev.ts";
import { port61 } from "./port61.ts";
import { port92 } from "./port92.ts";
import { resetControl } from "./reset-control.ts";
import { virtioBalloon } from "./virtio/balloon.ts";
import { virtioBlock } from "./virtio/block.ts";
import { virtioConsole } from "./virtio/console.ts";
import { virtioEntropy } from "./virtio/entropy.ts";
import { virtioMmio } from "./virtio/mmio.ts";
import { virtioNetwork } from "./virtio/network.ts";
import { virtioPci } from "./virtio/pci.ts";

/** What chips are made over that the laws of all chips speak of: laws of their own speak of what they do to memory. */
const NO_MEMORY = { read: () => null, write: () => false };
const ignore = (): void => {};
const NO_DISK = new DiskImage(new Uint8Array(0), true);

// biome-ignore format: one line each, so that additions do not meet.
export const CHIPS: readonly Chip[] = [
  acpiPm1,
  acpiPmTimer,
  debugConsole,
  debugExit,
  fwCfg(fwCfgItems({ ramBytes: 2 ** 30, cpus: 2 }), NO_MEMORY),
  i8042,
  i8254,
  i8259,
  ioapic,
  lapic,
  mc146818,
  ns16550a,
  pcTestdev,
  port61,
  port92,
  resetControl,
  // PCI
  i440fx,
  piix3,
  // virtio
  virtioMmio(virtioConsole({ columns: 80, rows: 25, transmit: ignore }), NO_MEMORY),
  virtioMmio(virtioEntropy((size) => new Uint8Array(size)), NO_MEMORY),
  virtioPci(virtioBalloon({ inflated: ignore, deflated: ignore }), NO_MEMORY),
  virtioPci(virtioBlock({ backend: NO_DISK, serial: "", latency: 1000, keeper: null }), NO_MEMORY),
  virtioPci(virtioNetwork({ mac: [2, 0, 0, 0, 0, 1], transmit: ignore }), NO_MEMORY),
];
