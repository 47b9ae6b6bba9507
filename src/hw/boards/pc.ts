/**
 * A PC with the 440FX chip set: interrupt controllers, timers, PCI, serial port. Intel 440FX PCIset data sheet, "Address
 * Map"; Intel 82371SB (PIIX3) data sheet, "I/O Address Map"; the ports of the IBM PC AT.
 */

import { acpiPm1 } from "../chips/acpi-pm1.ts";
import { acpiPmTimer } from "../chips/acpi-pm-timer.ts";
import { debugConsole, debugExit } from "../chips/debug-ports.ts";
import { fwCfg } from "../chips/fw-cfg.ts";
import { fwCfgItems } from "../chips/fw-cfg-items.ts";
import { i8042 } from "../chips/i8042.ts";
import { i8254 } from "../chips/i8254.ts";
import { i8259 } from "../chips/i8259.ts";
import { ioapic } from "../chips/ioapic.ts";
import { lapic } from "../chips/lapic.ts";
import { mc146818 } from "../chips/mc146818.ts";
import { ns16550a } from "../chips/ns16550a.ts";
import { pcTestdev, TESTDEV } from "../chips/pc-testdev.ts";
import { pirqOf } from "../chips/pci/bus.ts";
import { i440fx, SHADOW_AREAS } from "../chips/pci/i440fx.ts";
import { piix3 } from "../chips/pci/piix3.ts";
import { port61 } from "../chips/port61.ts";
import { port92 } from "../chips/port92.ts";
import { resetControl } from "../chips/reset-control.ts";
import {
  type Board,
  type BoardHost,
  type Net,
  part,
  type Rom,
  type Window,
  wire,
} from "./board.ts";
import { type Peripherals, virtioDevices } from "./peripherals.ts";
import { virtioPci } from "../chips/virtio/pci.ts";
import { pcAcpi } from "./pc-acpi.ts";
import { PC } from "./pc-places.ts";
import { e820 } from "./acpi/e820.ts";
import { acpiFiles } from "./acpi/loader.ts";

export interface PcParts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** What lies at the end of the first 4 GiB and of the first MiB; without it all of RAM is open. */
  readonly bios: Uint8Array | null;
  /** The device that kvm-unit-tests expect. */
  readonly testdev: boolean;
  readonly peripherals: Peripherals;
  /** What the real-time clock shows at power-on, in seconds since the start of 1970. */
  readonly date: number;
}

const PCI_MEMORY = { from: 0xf000_0000, to: 0xfec0_0000 } as const;
const PIRQ_PINS = ["pirqa", "pirqb", "pirqc", "pirqd"] as const;
const FIRST_PIRQ_PIN = 16;
/** The first place for a virtio function, and the interrupt pin of each. */
const [FIRST_SLOT, INTA] = [2, 1] as const;

export function pc(host: BoardHost, parts: PcParts): Board {
  const { cpus, memoryBytes, date, bios, testdev, peripherals } = parts;
  const devices = virtioDevices(host, peripherals).map(([name, device], i) => ({
    part: name,
    device: FIRST_SLOT + i,
    function: 0,
    chip: virtioPci(device, host.memory),
  }));
  const numbers = Array.from({ length: cpus }, (_, i) => i);
  const apics = numbers.map((i) => `lapic${i}`);
  return {
    name: "pc",
    parts: {
      ...Object.fromEntries(numbers.map((i) => [`lapic${i}`, part(lapic, { id: i })])),
      ioapic: part(ioapic),
      pic1: part(i8259, { sp: 1 }),
      pic2: part(i8259, { sp: 0 }),
      pit: part(i8254),
      com1: part(ns16550a),
      rtc: part(mc146818, { seconds: date }),
      keyboard: part(i8042),
      port61: part(port61),
      port92: part(port92),
      reset: part(resetControl),
      pm1: part(acpiPm1),
      pmtimer: part(acpiPmTimer),
      debug: part(debugConsole),
      exit: part(debugExit),
      fwcfg: part(
        fwCfg(
          fwCfgItems({ ramBytes: memoryBytes, cpus, files: firmwareFiles(parts) }),
          host.memory,
        ),
      ),
      ...(testdev ? { testdev: part(pcTestdev) } : {}),
      ...Object.fromEntries(devices.map((slot) => [slot.part, part(slot.chip)])),
      host: part(i440fx),
      isa: part(piix3),
    },
    ports: testdev ? [...PORTS, ...TESTDEV_PORTS] : PORTS,
    memory: [{ at: PC.ioapic, size: 0x1000, part: "ioapic" }, ...(testdev ? [TESTDEV_MEMORY] : [])],
    nets: [
      ...NETS,
      ...(testdev ? testdevNets() : []),
      ...processorNets(numbers),
      ...routedIrqs(),
      ...PIRQ_PINS.map((pin, i) =>
        pirqNet(
          pin,
          i,
          devices
            .filter(({ device }) => pirqOf(device, INTA) === i)
            .map((slot) => `${slot.part}.intx`),
        ),
      ),
    ],
    apics,
    ioapics: ["ioapic"],
    pics: ["pic1", "pic2"],
    pci: {
      functions: [
        { part: "host", device: 0, function: 0, bars: i440fx.bars },
        { part: "isa", device: 1, function: 0, bars: piix3.bars },
        ...devices.map(({ chip, ...place }) => ({ ...place, bars: chip.bars })),
      ],
      ecamBase: PC.ecam,
      windows: {
        io: { from: 0xc000, to: 0x1_0000 },
        memory: PCI_MEMORY,
        irqs: PC.pirqs,
      },
    },
    acpi: pcAcpi(cpus),
    roms: bios === null ? [] : romsOf(bios),
    shadow: bios === null ? null : { part: "host", areas: SHADOW_AREAS },
  };
}

const TESTDEV_PORTS: readonly Window[] = [
  { at: 0xe0, size: 4, part: "testdev", offset: TESTDEV.data },
  { at: 0x2000, size: 24, part: "testdev", offset: TESTDEV.lines },
];
const TESTDEV_MEMORY: Window = {
  at: 0xff00_0000,
  size: 0x2000,
  part: "testdev",
  offset: TESTDEV.memory,
};

/** A line leads where the interrupt of that number would. */
const testdevNets = (): readonly Net[] =>
  Array.from({ length: 24 }, (_, line) => {
    const pics = line < 8 ? [`pic1.ir${line}`] : line < 16 ? [`pic2.ir${line - 8}`] : [];
    return wire(`testdev.irq${line}`, `ioapic.intin${line}`, ...(line === 2 ? [] : pics));
  });

const PORTS: readonly Window[] = [
  { at: 0x20, size: 2, part: "pic1" },
  { at: 0x40, size: 4, part: "pit" },
  { at: 0x60, size: 1, part: "keyboard" },
  { at: 0x61, size: 1, part: "port61" },
  { at: 0x64, size: 1, part: "keyboard", offset: 4 },
  { at: 0x70, size: 2, part: "rtc" },
  { at: 0x92, size: 1, part: "port92" },
  { at: 0xa0, size: 2, part: "pic2" },
  { at: 0xe9, size: 1, part: "debug" },
  { at: 0xf4, size: 4, part: "exit" },
  { at: 0x3f8, size: 8, part: "com1" },
  { at: 0x4d0, size: 1, part: "pic1", offset: 2 },
  { at: 0x4d1, size: 1, part: "pic2", offset: 2 },
  { at: 0x510, size: 12, part: "fwcfg" },
  { at: PC.pm1, size: 6, part: "pm1" },
  { at: PC.pmTimer, size: 4, part: "pmtimer" },
  { at: PC.reset, size: 1, part: "reset" },
];

const NETS: readonly Net[] = [
  wire("pit.out0", "pic1.ir0", "ioapic.intin2"),
  wire("pit.out2", "port61.out2"),
  wire("port61.gate2", "pit.gate2"),
  wire("keyboard.irq1", "pic1.ir1", "ioapic.intin1"),
  wire("pic2.int", "pic1.ir2"),
  wire("com1.intr", "pic1.ir4", "ioapic.intin4"),
  wire("rtc.irq", "pic2.ir0", "ioapic.intin8"),
  wire("pm1.sci", `pic2.ir${PC.sci - 8}`, `ioapic.intin${PC.sci}`),
  wire("keyboard.irq12", "pic2.ir4", "ioapic.intin12"),
  wire("pm1.off", "machine.off"),
  wire("exit.exit", "machine.exit"),
  { drivers: ["keyboard.reset", "reset.reset", "port92.init"], loads: ["machine.reset"] },
];

const processorNets = (numbers: readonly number[]): readonly Net[] => [
  wire("pic1.int", ...numbers.map((i) => `lapic${i}.lint0`)),
  ...numbers.map((i) => wire(`lapic${i}.intr`, `cpu${i}.intr`)),
];

/** What firmware is told: a direct boot finds the tables in memory. */
const firmwareFiles = ({
  bios,
  cpus,
  memoryBytes,
}: PcParts): Readonly<Record<string, Uint8Array>> =>
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
  loads: [`isa.${pin}`, `ioapic.intin${FIRST_PIRQ_PIN + number}`],
});
