/**
 * The smallest PC: the AT's chips, no PCI, virtio devices in memory. QEMU manual, "'microvm' virtual platform (microvm)";
 * the place of each device is told by ACPI.
 */

import { virtioMmio } from "../chips/virtio/mmio.ts";
import { type Board, type BoardHost, part } from "./board.ts";
import { type BoardParts, isaBoard } from "./isa.ts";
import { isaAcpi } from "./isa-acpi.ts";
import { virtioDevices } from "./peripherals.ts";
import { virtioMmioPlace } from "./places.ts";

export function microvm(host: BoardHost, parts: BoardParts): Board {
  const { cpus, peripherals } = parts;
  const devices = virtioDevices(host, peripherals).map(([name, device], i) => ({
    name,
    chip: virtioMmio(device, host.memory),
    place: virtioMmioPlace(i),
  }));
  const isa = isaBoard(host, parts, {});
  return {
    ...isa,
    name: "microvm",
    parts: {
      ...isa.parts,
      ...Object.fromEntries(devices.map(({ name, chip }) => [name, part(chip)])),
    },
    memory: [
      ...isa.memory,
      ...devices.map(({ name, place: { address, size } }) => ({ at: address, size, part: name })),
    ],
    nets: [
      ...isa.nets,
      ...[...new Set(devices.map(({ place }) => place.gsi))].map((gsi) => ({
        drivers: devices.filter(({ place }) => place.gsi === gsi).map(({ name }) => `${name}.irq`),
        loads: [`ioapic.intin${gsi}`],
      })),
    ],
    pci: null,
    acpi: { ...isaAcpi(cpus), virtioMmio: devices.map(({ place }) => place) },
    roms: [],
    shadow: null,
  };
}
