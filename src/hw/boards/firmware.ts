/**
 * What firmware leaves behind when it hands over to an operating system, for machines that boot a kernel without it:
 * PCI resources, memory types, and interrupts of the i8259s through LINT0. SDM Vol. 3, "Local APIC State After It Has
 * Been Software Disabled", "IA32_MTRR_DEF_TYPE MSR"; MultiProcessor Specification 1.4, "Virtual Wire Mode".
 */

import type { E820Entry } from "./acpi/e820.ts";
import { acpiTables } from "./acpi/tables.ts";
import type { PlacedChip } from "./placed-chip.ts";
import type { Machine } from "./machine.ts";

const [SVR, LINT0, LINT1] = [0xf0, 0x350, 0x360] as const;
const SOFTWARE_ENABLED = 0x1ff;
/** Of the serial port: line control, and eight bits without parity. */
const [LCR, EIGHT_BITS] = [3, 3] as const;
const [EXTINT, NMI] = [0x700, 0x400] as const;

/** Where the stubs lie, and what is there: an IRET, and one with an EOI to the master for the timer before it. */
const STUBS = 0xf_ff53;
const [IRET_STUB, TIMER_STUB] = [0xff53, 0xff54] as const;
const STUB_BYTES = [0xcf, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf] as const;
const STUB_SEGMENT = 0xf000;
/** Vectors of the i8259s as the PC AT's firmware sets them. */
const [MASTER_BASE, SLAVE_BASE] = [0x08, 0x70] as const;

/** What an operating system is told: the memory map, and where the tables begin. */
export interface HandedOver {
  readonly memoryMap: readonly E820Entry[];
  readonly rsdp: number;
}

const MIB = 0x10_0000;
/** The extended BIOS data area begins there, and the area of firmware. */
const [EBDA, BIOS_AREA] = [0x9_fc00, 0xe_0000] as const;
/** At the end of RAM. */
const TABLES_BYTES = 0x1_0000;
const RSDP = 0xf_5000;

export function handOver(machine: Machine): HandedOver {
  const { ram } = machine;
  const tablesAt = ram.sizeBytes - TABLES_BYTES;
  const tables = acpiTables(machine.acpi, tablesAt);
  ram.write(tablesAt, tables.bytes);
  ram.write(RSDP, tables.rsdp);
  machine.assignPciResources();
  setVirtualWire(machine);
  setRealModeVectors(machine);
  setTimers(machine);
  setKeyboard(machine);
  machine.find("com1")?.write(LCR, 1, EIGHT_BITS);
  return {
    memoryMap: [
      { address: 0, size: EBDA, type: "ram" },
      { address: EBDA, size: 0xa_0000 - EBDA, type: "reserved" },
      { address: BIOS_AREA, size: MIB - BIOS_AREA, type: "reserved" },
      { address: MIB, size: tablesAt - MIB, type: "ram" },
      { address: tablesAt, size: TABLES_BYTES, type: "acpi" },
    ],
    rsdp: RSDP,
  };
}

/** The bootstrap processor's local APIC lets the interrupts of the i8259s through. */
function setVirtualWire(machine: Machine): void {
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

/** Interrupts, and scan codes translated to set 1; the auxiliary port is disabled. */
function setKeyboard(machine: Machine): void {
  const keyboard = machine.find("keyboard");
  if (keyboard === undefined) return;
  keyboard.write(4, 1, 0x60);
  keyboard.write(0, 1, 0x65);
}
