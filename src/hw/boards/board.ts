/**
 * What a board is: chips in named places, where their registers lie, and which wires lead where. Data only; machine.ts
 * makes a machine of it. The PC boards follow Intel 440FX PCIset data sheet, "Address Map", and the IBM AT's ports.
 */

import type { Chip } from "../chips/chip.ts";

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

/**
 * A wire: asserted while one of its drivers asserts it. Pins are `part.pin`; beside those of parts there are
 * `cpu.intr` and `cpu.nmi` of the bootstrap processor, and `machine.off` and `machine.reset`.
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
}

/** Helps to write parts: the settings are those of the chip's state. */
export const part = <State extends object>(chip: Chip<State>, settings?: Partial<State>): Part =>
  settings === undefined ? { chip: chip } : { chip: chip, settings };

export const wire = (driver: string, ...loads: string[]): Net => ({ drivers: [driver], loads });
