/**
 * A PC with the 440FX chip set: the AT's chips, and PCI. Intel 440FX PCIset data sheet, "Address Map"; Intel 82371SB
 * (PIIX3) data sheet, "I/O Address Map".
 */

import { pirqOf } from "../chips/pci/bus.ts";
import { i440fx, SHADOW_AREAS } from "../chips/pci/i440fx.ts";
import { piix3 } from "../chips/pci/piix3.ts";
import { virtioPci } from "../chips/virtio/pci.ts";
import { e820 } from "./acpi/e820.ts";
import { acpiFiles } from "./acpi/loader.ts";
import { type Board, type BoardHost, type Net, part, type Rom, wire } from "./board.ts";
import { type BoardParts, isaBoard } from "./isa.ts";
import { pcAcpi } from "./pc-acpi.ts";
import { virtioDevices } from "./peripherals.ts";
import { PLACES } from "./places.ts";

const PCI_MEMORY = { from: 0xf000_0000, to: 0xfec0_0000 } as const;
const PCI_PORTS = { from: 0xc000, to: 0x1_0000 } as const;
const PIRQ_PINS = ["pirqa", "pirqb", "pirqc", "pirqd"] as const;
/** The first place for a virtio function, and the interrupt pin of each. */
const [FIRST_SLOT, INTA] = [2, 1] as const;

export function pc(host: BoardHost, parts: BoardParts): Board {
  const { cpus, bios, peripherals } = parts;
  const devices = virtioDevices(host, peripherals).map(([name, device], i) => ({
    part: name,
    device: FIRST_SLOT + i,
    function: 0,
    chip: virtioPci(device, host.memory),
  }));
  const isa = isaBoard(host, parts, firmwareFiles(parts));
  return {
    ...isa,
    name: "pc",
    parts: {
      ...isa.parts,
      host: part(i440fx),
      isa: part(piix3),
      ...Object.fromEntries(devices.map((slot) => [slot.part, part(slot.chip)])),
    },
    nets: [
      ...isa.nets,
      ...routedIrqs(),
      ...PIRQ_PINS.map((pin, i) => {
        const slots = devices.filter(({ device }) => pirqOf(device, INTA) === i);
        return pirqNet(
          pin,
          i,
          slots.map((slot) => `${slot.part}.intx`),
        );
      }),
    ],
    pci: {
      functions: [
        { part: "host", device: 0, function: 0, bars: i440fx.bars },
        { part: "isa", device: 1, function: 0, bars: piix3.bars },
        ...devices.map(({ chip, ...place }) => ({ ...place, bars: chip.bars })),
      ],
      ecamBase: PLACES.ecam,
      windows: { io: PCI_PORTS, memory: PCI_MEMORY, irqs: PLACES.pirqs },
    },
    acpi: pcAcpi(cpus),
    roms: bios === null ? [] : romsOf(bios),
    shadow: bios === null ? null : { part: "host", areas: SHADOW_AREAS },
  };
}

/** What firmware is told: a direct boot finds the tables in memory. */
const firmwareFiles = ({
  bios,
  cpus,
  memoryBytes,
}: BoardParts): Readonly<Record<string, Uint8Array>> =>
  bios === null
    ? {}
    : {
        ...acpiFiles(pcAcpi(cpus)),
        "etc/e820": e820([{ address: 0, size: memoryBytes, type: "ram" }]),
      };

/** The whole image below 4 GiB, and its last 128 KiB below 1 MiB. */
const romsOf = (bios: Uint8Array): readonly Rom[] => [
  { at: 2 ** 32 - bios.length, bytes: bios },
  { at: 0x10_0000 - Math.min(bios.length, 0x2_0000), bytes: bios.subarray(-0x2_0000) },
];

/** What the PIIX3 routes PCI interrupts to. */
const routedIrqs = (): readonly Net[] =>
  [10, 11].map((irq) => wire(`isa.irq${irq}`, `pic2.ir${irq - 8}`));

const pirqNet = (pin: string, number: number, drivers: readonly string[]): Net => ({
  drivers,
  loads: [`isa.${pin}`, `ioapic.intin${PLACES.firstPirqPin + number}`],
});
