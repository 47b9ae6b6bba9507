/**
 * What a board is: chips in named places, where their registers lie, and which wires lead where. Data only; machine.ts
 * makes a machine of it. The PC boards follow Intel 440FX PCIset data sheet, "Address Map", and the IBM AT's ports.
 */

import type { AcpiDescription } from "./acpi/description.ts";
import type { Chip } from "../chips/chip.ts";
import type { PciWindows } from "../chips/pci/assign-resources.ts";
import type { Bar } from "../chips/pci/configuration-space.ts";
import type { ShadowArea } from "../chips/pci/i440fx.ts";
import type { DmaMemory } from "../chips/dma.ts";
import type { BalloonOptions } from "../chips/virtio/balloon.ts";
import type { DiskKeeper } from "../chips/virtio/block.ts";

/** A chip in its place, and what differs from its power-on state. */
export interface Part {
  readonly chip: Chip;
  readonly settings?: object;
}

/** A range of ports or addresses at which a chip's registers lie. */
export interface Window {
  readonly at: number;
  readonly size: number;
  readonly part: string;
  /** Offset within the chip of the first byte; 0 if not given. */
  readonly offset?: number;
}

/** Which function of the PCI bus a part is. */
export interface PciPlace {
  readonly part: string;
  readonly device: number;
  readonly function: number;
}

/**
 * A wire: asserted while one of its drivers asserts it. Pins are `part.pin`; beside those of parts there are
 * `cpu0.intr` and `cpu0.nmi` of processor 0 and so on, and `machine.off` and `machine.reset`.
 */
export interface Net {
  readonly drivers: readonly string[];
  readonly loads: readonly string[];
}

export interface Board {
  readonly name: string;
  readonly parts: Readonly<Record<string, Part>>;
  readonly ports: readonly Window[];
  readonly memory: readonly Window[];
  readonly nets: readonly Net[];
  /** The parts that are local APICs, by number of their processor; none if there are none. */
  readonly apics: readonly string[];
  readonly ioapics: readonly string[];
  /** The i8259 that answers an acknowledge cycle, and its slave; null when there are none. */
  readonly pics: readonly [master: string, slave: string] | null;
  readonly pci: PciBoard | null;
  readonly acpi: AcpiDescription;
  readonly roms: readonly Rom[];
  /** Null while all of RAM is open. */
  readonly shadow: Shadow | null;
}

/** Bytes that nothing changes. */
export interface Rom {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Areas of RAM that a part opens and closes, with ROM behind them. */
export interface Shadow {
  readonly part: string;
  readonly areas: readonly ShadowArea[];
}

export interface PciBoard {
  readonly functions: readonly (PciPlace & { readonly bars: readonly Bar[] })[];
  readonly ecamBase: number | null;
  /** What firmware gives to BARs. */
  readonly windows: PciWindows;
}

/** What a machine gives to its board's parts. */
export interface BoardHost {
  readonly memory: DmaMemory;
  /** So many bytes of the part's own random stream. */
  random(part: string, size: number): Uint8Array;
  /** A frame leaves by a network interface. */
  transmit(part: string, frame: Uint8Array): void;
  /** Who has the disk of a part, if that is not the part itself. */
  readonly keeperOf: ((part: string) => DiskKeeper) | null;
  /** Bytes appear on a console. */
  print(part: string, bytes: Uint8Array): void;
  /** Hears of pages that the guest gives away and takes back. */
  readonly balloon: BalloonOptions;
}

/** Helps to write parts: the settings are those of the chip's state. */
export const part = <State extends object>(chip: Chip<State>, settings?: Partial<State>): Part =>
  settings === undefined ? { chip: chip } : { chip: chip, settings };

export const wire = (driver: string, ...loads: string[]): Net => ({ drivers: [driver], loads });
