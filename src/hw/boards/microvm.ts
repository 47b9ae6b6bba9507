/**
 * The smallest PC: the AT's chips, no PCI, virtio devices in memory. QEMU manual, "'microvm' virtual platform (microvm)";
 * the place of each device is told by ACPI.
 */

import { virtioMmio } from "../chips/virtio/mmio.ts";
import { type Board, type BoardHost, part } from "./board.ts";
import {
  type BoardParts,
  ISA_NETS,
  ISA_PORTS,
  isaParts,
  lapicNames,
  processorNets,
  TESTDEV_MEMORY,
  TESTDEV_PORTS,
  testdevNets,
} from "./isa.ts";
import { isaAcpi } from "./isa-acpi.ts";
import { virtioDevices } from "./peripherals.ts";
import { PLACES, virtioMmioPlace } from "./places.ts";

export function microvm(host: BoardHost, parts: BoardParts): Board {
  const { cpus, testdev, peripherals } = parts;
  const devices = virtioDevices(host, peripherals).map(([name, device], i) => ({
    name,
    chip: virtioMmio(device, host.memory),
    place: virtioMmioPlace(i),
  }));
  return {
    name: "microvm",
    parts: {
      ...isaParts(host, parts, {}),
      ...Object.fromEntries(devices.map(({ name, chip }) => [name, part(chip)])),
    },
    ports: testdev ? [...ISA_PORTS, ...TESTDEV_PORTS] : ISA_PORTS,
    memory: [
      { at: PLACES.ioapic, size: 0x1000, part: "ioapic" },
      ...devices.map(({ name, place: { address, size } }) => ({ at: address, size, part: name })),
      ...(testdev ? [TESTDEV_MEMORY] : []),
    ],
    nets: [
      ...ISA_NETS,
      ...(testdev ? testdevNets() : []),
      ...processorNets(cpus),
      ...[...new Set(devices.map(({ place }) => place.gsi))].map((gsi) => ({
        drivers: devices.filter(({ place }) => place.gsi === gsi).map(({ name }) => `${name}.irq`),
        loads: [`ioapic.intin${gsi}`],
      })),
    ],
    apics: lapicNames(cpus),
    ioapics: ["ioapic"],
    pics: ["pic1", "pic2"],
    pci: null,
    acpi: { ...isaAcpi(cpus), virtioMmio: devices.map(({ place }) => place) },
    roms: [],
    shadow: null,
  };
}
