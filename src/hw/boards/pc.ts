/**
 * A PC with the 440FX chip set: interrupt controllers, timers, PCI, serial port. Intel 440FX PCIset data sheet, "Address
 * Map"; Intel 82371SB (PIIX3) data sheet, "I/O Address Map"; the ports of the IBM PC AT.
 */

import { acpiPmTimer } from "../chips/acpi-pm-timer.ts";
import { i8254 } from "../chips/i8254.ts";
import { i8259 } from "../chips/i8259.ts";
import { ioapic } from "../chips/ioapic.ts";
import { lapic } from "../chips/lapic.ts";
import { ns16550a } from "../chips/ns16550a.ts";
import { i440fx } from "../chips/pci/i440fx.ts";
import { piix3 } from "../chips/pci/piix3.ts";
import { type Board, type Net, part, wire } from "./board.ts";

export interface PcParts {
  readonly cpus: number;
}

/** Places that the tables of ACPI tell. */
export const PC = {
  ioapic: 0xfec0_0000,
  lapic: 0xfee0_0000,
  ecam: 0xe000_0000,
  pmTimer: 0x608,
  /** What PIRQA# to PIRQD# lead to on the i8259s; on the I/O APIC they are the pins from 16 on. */
  pirqs: [10, 10, 11, 11],
} as const;

const PIRQ_PINS = ["pirqa", "pirqb", "pirqc", "pirqd"] as const;
const FIRST_PIRQ_PIN = 16;

export function pc({ cpus }: PcParts): Board {
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
      pmtimer: part(acpiPmTimer),
      host: part(i440fx),
      isa: part(piix3),
    },
    ports: [
      { at: 0x20, size: 2, part: "pic1" },
      { at: 0x40, size: 4, part: "pit" },
      { at: 0xa0, size: 2, part: "pic2" },
      { at: 0x3f8, size: 8, part: "com1" },
      { at: 0x4d0, size: 1, part: "pic1", offset: 2 },
      { at: 0x4d1, size: 1, part: "pic2", offset: 2 },
      { at: PC.pmTimer, size: 4, part: "pmtimer" },
    ],
    memory: [{ at: PC.ioapic, size: 0x1000, part: "ioapic" }],
    nets: [
      wire("pit.out0", "pic1.ir0", "ioapic.intin2"),
      wire("pic2.int", "pic1.ir2"),
      wire("com1.intr", "pic1.ir4", "ioapic.intin4"),
      wire("pic1.int", ...apics.map((name) => `${name}.lint0`)),
      ...numbers.map((i) => wire(`lapic${i}.intr`, `cpu${i}.intr`)),
      ...routedIrqs(),
      ...PIRQ_PINS.map((pin, i) => pirqNet(pin, i, [])),
    ],
    apics,
    ioapics: ["ioapic"],
    pics: ["pic1", "pic2"],
    pci: {
      functions: [
        { part: "host", device: 0, function: 0, bars: i440fx.bars },
        { part: "isa", device: 1, function: 0, bars: piix3.bars },
      ],
      ecamBase: PC.ecam,
      windows: {
        io: { from: 0xc000, to: 0x1_0000 },
        memory: { from: 0xf000_0000, to: 0xfec0_0000 },
        irqs: PC.pirqs,
      },
    },
  };
}

/** What the PIIX3 routes PCI interrupts to. */
const routedIrqs = (): readonly Net[] =>
  [10, 11].map((irq) => wire(`isa.irq${irq}`, `pic2.ir${irq - 8}`));

const pirqNet = (pin: string, number: number, drivers: readonly string[]): Net => ({
  drivers,
  loads: [`isa.${pin}`, `ioapic.intin${FIRST_PIRQ_PIN + number}`],
});
