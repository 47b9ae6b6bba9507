/**
 * What firmware does to a PCI bus before it starts an operating system, for boards that start one without firmware:
 * sizes every BAR and gives it a place, enables the decoders, tells interrupt lines. PCI Local Bus Specification,
 * Revision 3.0, "Address Maps" and "Interrupt Line". Bus mastering is left to drivers.
 */

import { InputError } from "../../../sim/assert.ts";
import { type PciBus, type PciSlot, pirqOf } from "./bus.ts";
import { type Bar, COMMAND_IO, COMMAND_MEMORY } from "./configuration-space.ts";

interface Span {
  readonly from: number;
  /** The first behind it. */
  readonly to: number;
}

export interface PciWindows {
  readonly io: Span;
  /** Below 4 GiB. */
  readonly memory: Span;
  /** What PIRQA# to PIRQD# lead to, for Interrupt Line and for PIRQRC if there is an 82371SB. */
  readonly irqs: readonly [number, number, number, number];
}

const COMMAND = 0x04;
const BAR0 = 0x10;
const INTERRUPT_LINE = 0x3c;
const INTERRUPT_PIN = 0x3d;
const PIRQRC = 0x60;
const PIIX3 = 0x7000_8086;

/** Throws InputError when the windows are too small. Uses configuration accesses only. */
export function assignResources(bus: PciBus, windows: PciWindows): void {
  const needs = bus.slots.flatMap((slot) =>
    slot.chip.bars.map((bar) => ({ slot, bar, sizeBytes: sizeOf(bus, slot, bar) })),
  );
  // The greatest first, so that nothing is lost to alignment.
  needs.sort((a, b) => b.sizeBytes - a.sizeBytes);
  const next = { io: windows.io.from, memory: windows.memory.from };
  for (const { slot, bar, sizeBytes } of needs) {
    const space = bar.kind === "io" ? "io" : "memory";
    const from = Math.ceil(next[space] / sizeBytes) * sizeBytes;
    next[space] = from + sizeBytes;
    if (next[space] > windows[space].to)
      throw new InputError(`board: the window for ${space} of PCI is too small`);
    writeDword(bus, slot, BAR0 + 4 * bar.index, from);
    if (bar.kind === "memory64") writeDword(bus, slot, BAR0 + 4 * bar.index + 4, 0);
  }
  for (const slot of bus.slots) {
    const { device, function: number } = slot;
    if (readDword(bus, slot, 0) === PIIX3)
      windows.irqs.forEach((irq, i) => bus.writeConfig(0, device, number, PIRQRC + i, 1, irq));
    const pin = bus.readConfig(0, device, number, INTERRUPT_PIN, 1);
    const irq = windows.irqs[pirqOf(device, pin)] ?? 0;
    if (pin !== 0) bus.writeConfig(0, device, number, INTERRUPT_LINE, 1, irq);
    if (slot.chip.bars.length > 0)
      bus.writeConfig(0, device, number, COMMAND, 2, COMMAND_IO | COMMAND_MEMORY);
  }
}

/** The value that ones leave, without the bits that say what it is, negated. */
function sizeOf(bus: PciBus, slot: PciSlot, { index, kind }: Bar): number {
  const at = BAR0 + 4 * index;
  const before = readDword(bus, slot, at);
  writeDword(bus, slot, at, 0xffff_ffff);
  const left = readDword(bus, slot, at) & (kind === "io" ? ~3 : ~15);
  writeDword(bus, slot, at, before);
  return (~left >>> 0) + 1;
}

const readDword = (bus: PciBus, { device, function: number }: PciSlot, offset: number): number =>
  bus.readConfig(0, device, number, offset, 4);

const writeDword = (
  bus: PciBus,
  { device, function: number }: PciSlot,
  offset: number,
  value: number,
): void => bus.writeConfig(0, device, number, offset, 4, value);
