/**
 * What firmware leaves behind when it hands over to an operating system, for machines that boot a kernel without it:
 * PCI resources, memory types, and interrupts of the i8259s through LINT0. SDM Vol. 3, "Local APIC State After It Has
 * Been Software Disabled", "IA32_MTRR_DEF_TYPE MSR"; MultiProcessor Specification 1.4, "Virtual Wire Mode".
 */

import type { PlacedChip } from "./placed-chip.ts";
import type { Machine } from "./machine.ts";

const [SVR, LINT0, LINT1] = [0xf0, 0x350, 0x360] as const;
const SOFTWARE_ENABLED = 0x1ff;
const [EXTINT, NMI] = [0x700, 0x400] as const;

/** Where the stubs lie, and what is there: an IRET, and one with an EOI to the master for the timer before it. */
const STUBS = 0xf_ff53;
const [IRET_STUB, TIMER_STUB] = [0xff53, 0xff54] as const;
const STUB_BYTES = [0xcf, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf] as const;
const STUB_SEGMENT = 0xf000;
/** Vectors of the i8259s as the PC AT's firmware sets them. */
const [MASTER_BASE, SLAVE_BASE] = [0x08, 0x70] as const;

export function handOver(machine: Machine): void {
  machine.assignPciResources();
  setRealModeVectors(machine);
  setTimers(machine);
  const bootstrap = machine.apicNames[0];
  if (bootstrap === undefined) return;
  const apic = machine.chip(bootstrap);
  apic.write(SVR, 4, SOFTWARE_ENABLED);
  apic.write(LINT0, 4, EXTINT);
  apic.write(LINT1, 4, NMI);
}

/** Real-mode code may let interrupts in at once. */
function setRealModeVectors({ ram }: Machine): void {
  ram.write(STUBS, Uint8Array.from(STUB_BYTES));
  for (let vector = 0; vector < 256; vector += 1) {
    const offset = vector === MASTER_BASE ? TIMER_STUB : IRET_STUB;
    ram.write32(4 * vector, STUB_SEGMENT * 0x1_0000 + offset);
  }
}

/** The timer ticks 18.2 times a second; of the interrupts of devices only its own is let through. */
function setTimers(machine: Machine): void {
  const [master, slave, timer] = ["pic1", "pic2", "pit"].map((name) => machine.find(name));
  if (master === undefined || slave === undefined || timer === undefined) return;
  initialize(master, MASTER_BASE, 0x04, 0xfa);
  initialize(slave, SLAVE_BASE, 0x02, 0xff);
  timer.write(3, 1, 0x36);
  timer.write(0, 1, 0);
  timer.write(0, 1, 0);
}

/** The initialization command words of an i8259, and its mask. */
function initialize(pic: PlacedChip, base: number, cascade: number, mask: number): void {
  pic.write(0, 1, 0x11);
  for (const word of [base, cascade, 0x01, mask]) pic.write(1, 1, word);
}
